//! Whether a text has the form of a URI or a URI reference (RFC 3986).

use std::net::Ipv6Addr;

/// Section 4.3: `scheme:` and whatever follows it, without a fragment.
pub(crate) fn is_absolute(text: &str) -> bool {
    let scheme = scheme(text);
    scheme.is_some_and(is_scheme) && !text.contains('#') && is_reference(text)
}

/// Section 4.1: a URI, or a path, query or fragment relative to one.
pub(crate) fn is_reference(text: &str) -> bool {
    // A relative path must not have a colon in its first segment: it would be taken for a scheme.
    let scheme = scheme(text);
    if scheme.is_some_and(|scheme| !is_scheme(scheme)) {
        return false;
    }
    let rest = scheme.map_or(text, |scheme| &text[scheme.len() + 1..]);
    let (authority, rest) = match rest.strip_prefix("//") {
        None => ("", rest),
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
    };
    let (path_and_query, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    is_authority(authority)
        && has_only(path_and_query, b"-._~!$&'()*+,;=:@/?")
        && has_only(fragment, b"-._~!$&'()*+,;=:@/?")
}

/// Section 3.2: `[userinfo@]host[:port]`, where the host may be empty, as in `file:///a`.
fn is_authority(text: &str) -> bool {
    let (userinfo, host_and_port) = text.split_once('@').unwrap_or(("", text));
    let (host_fits, after) = if let Some(rest) = host_and_port.strip_prefix('[') {
        let Some((literal, after)) = rest.split_once(']') else { return false };
        (is_ip_literal(literal), after)
    } else {
        let end = host_and_port.find(':').unwrap_or(host_and_port.len());
        let (host, after) = host_and_port.split_at(end);
        (has_only(host, b"-._~!$&'()*+,;="), after)
    };
    let port = after.strip_prefix(':');
    let port_fits = port.map_or(after.is_empty(), |port| port.bytes().all(|b| b.is_ascii_digit()));
    has_only(userinfo, b"-._~!$&'()*+,;=:") && host_fits && port_fits
}

/// What stands between square brackets: an IPv6 address, or `v1.` and an address of the future.
fn is_ip_literal(text: &str) -> bool {
    match text.strip_prefix(['v', 'V']).and_then(|rest| rest.split_once('.')) {
        None => text.parse::<Ipv6Addr>().is_ok(),
        Some((version, address)) => {
            let is_version = version.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_address = has_only(address, b"-._~!$&'()*+,;=:") && !address.contains('%');
            is_version && is_address && !version.is_empty() && !address.is_empty()
        }
    }
}

/// What comes before a colon in the first segment.
fn scheme(text: &str) -> Option<&str> {
    let end = text.bytes().position(|byte| b":/?#".contains(&byte))?;
    text[end..].starts_with(':').then(|| &text[..end])
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Letters, digits, `others`, and percent signs with two hexadecimal digits behind them.
fn has_only(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let allowed = match byte {
            b'%' => (0..2).all(|_| bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || others.contains(&byte),
        };
        if !allowed {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_may_be_relative() {
        for text in [
            "https://github.com/cloudevents",
            "https://user@[::1]:8080/a?b=c/d#e?f",
            "mailto:cncf-wg-serverless@lists.cncf.io",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
            "cloudevents/spec/pull/123",
            "network.notifi.parsers.1.2",
            "/sensors/tn-1234567/alerts",
            "/a:b",
            "./a:b",
            "?a:b",
            "#fragment",
            "1-555-123-4567",
            "//authority/path",
            "//",
            "file:///a",
            "http://a:",
            "http://a%20b:80",
            "//u:p@h:1",
            "//[v1.a:b]",
            "/caf%C3%A9",
        ] {
            assert!(is_reference(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_references() {
        for text in [
            "a b",
            "/café",
            "/100%",
            "/%4",
            "/%zz",
            "1-555:4567",
            ":a",
            "a\"b",
            "<a>",
            "a\\b",
            "/a#b#c",
            "/a[0]",
            "//a:b",
            "//a:80:90",
            "//a@b@c",
            "//[::1",
            "//[::1]80",
            "//[1.2.3.4]",
            "//[v1.]",
            "//[v.a]",
            "//a[::1]",
            "{id}",
            "a|b",
            "a^b",
            "a`b",
        ] {
            assert!(!is_reference(text), "{text}");
        }
    }

    #[test]
    fn absolute_uris_have_a_scheme() {
        for text in ["https://example.com/schema", "urn:x", "a+b-c.1:"] {
            assert!(is_absolute(text), "{text}");
        }
        for text in [
            "",
            "/schema",
            "schema.json",
            "//example.com/schema",
            "#a",
            "1a:b",
            "a:b c",
            "a:b#c",
            "a:#",
        ] {
            assert!(!is_absolute(text), "{text}");
        }
    }
}
