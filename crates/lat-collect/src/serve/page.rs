//! The live page: three files that are put together into one, so that it needs nothing else.

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page, whole.
pub(super) fn html() -> String {
    HTML.replace("/* style */", STYLE).replace("/* script */", SCRIPT)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_is_whole_and_asks_nobody_else() {
        let html = super::html();
        assert!(!html.contains("/* style */") && !html.contains("/* script */"));
        for foreign in ["http://", "https://", "src=", "@import", "url("] {
            let svg = html.replace("http://www.w3.org/2000/svg", "");
            assert!(!svg.contains(foreign), "{foreign}");
        }
    }
}
