//! What the catalogue has to say besides a cause: what would do harm, and where more is written.

/// The address of a page that people may be sent to. It comes from our own data files or from those
/// of the policy's owners, never from a log, and it can be nothing but an address: `https://`, a host,
/// and a path without a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page(String);

impl Page {
    /// Reads an address; none where it could be anything else.
    pub fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://")?;
        let host = rest.split('/').next()?;
        let in_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        let in_path = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let whole = !host.starts_with(['.', '-']) && !host.ends_with(['.', '-']);
        let good = text.len() <= 200
            && host.contains('.')
            && whole
            && host.chars().all(in_host)
            && rest.chars().all(in_path);
        good.then(|| Self(text.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something that would do harm, and how. Its words are the program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warned {
    /// What not to do; several things where they do the same harm.
    pub deeds: Vec<&'static str>,
    /// What it would do.
    pub harm: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_an_address_and_nothing_else() {
        for good in [
            "https://docs.example.com",
            "https://docs.example.com/en-us/a_b/~c.html",
        ] {
            assert_eq!(Page::read(good).map(|page| page.0).as_deref(), Some(good));
        }
        for bad in [
            "",
            "http://docs.example.com",
            "https://",
            "https://localhost/x",
            "https://docs.example.com?q=1",
            "https://docs.example.com/#top",
            "https://user@docs.example.com",
            "https://docs.example.com:8443/",
            "https://docs.example.com|click",
            "https://docs.example.com> <!channel",
            "https://-docs.example.com",
            "https://döcs.example.com",
            "javascript:alert(1)",
        ] {
            assert_eq!(Page::read(bad), None, "{bad}");
        }
        let long = format!("https://docs.example.com/{}", "a".repeat(200));
        assert_eq!(Page::read(&long), None);
    }
}
