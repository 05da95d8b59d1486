//! The token that senders must show, where one is set.

use std::path::Path;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

/// A secret: not for any message.
pub(crate) struct Token(String);

impl Token {
    /// The token in `file`, else the one in the environment, else none.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Option<Self>> {
        Ok(ce_cli::bearer_token(file)?.map(Self))
    }

    /// Whether a request shows the token.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        shown.and_then(|shown| shown.split_once(' ')).is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && token.trim_start() == self.0
        })
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn only_the_token_itself_opens() {
        let token = Token("s3cret".into());
        let check = |header: &'static str, shown: bool| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(header))]);
            assert_eq!(token.is_shown(&headers), shown, "{header}");
        };
        check("Bearer s3cret", true);
        check("bearer  s3cret", true);
        for other in ["", "s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2"] {
            check(other, false);
        }
        check("Basic s3cret", false);
        assert!(!token.is_shown(&HeaderMap::new()));
    }
}
