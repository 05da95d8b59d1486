//! Which characters names and strings may hold.

use std::borrow::Cow;

/// Whether `name` can name an attribute. `data` names the payload in every format.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty() && name.bytes().all(allowed) && name != "data"
}

/// The name in lower case, copied only if it is not yet.
pub(crate) fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    }
}

/// Whether the specification lets a string hold this text.
pub(crate) fn is_string(text: &str) -> bool {
    // Nearly all text is printable ASCII, which needs no decoding.
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) || text.chars().all(is_allowed)
}

fn is_allowed(character: char) -> bool {
    // Every Unicode plane ends with two noncharacters.
    let ends_plane = u32::from(character) & 0xfffe == 0xfffe;
    !character.is_control() && !matches!(character, '\u{fdd0}'..='\u{fdef}') && !ends_plane
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_letters_and_digits() {
        for name in ["id", "sequence", "7", "a1b2", "averyveryveryverylongname"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "data", "myExtension", "my.extension", "my_extension", "my-ext", "é"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn strings_exclude_controls_and_noncharacters() {
        for text in ["", "a b", "~", "\u{a0}", "Euro € 😀", "\u{fdcf}\u{fdf0}\u{fffd}\u{10fffd}"]
        {
            assert!(is_string(text), "{text:?}");
        }
        let excluded = "\0\u{1}\t\n\u{1f}\u{7f}\u{80}\u{9f}\u{fdd0}\u{fdef}\u{fffe}\u{ffff}\
                        \u{1fffe}\u{10ffff}";
        for character in excluded.chars() {
            assert!(!is_string(&format!("a{character}")), "{character:?}");
        }
    }
}
