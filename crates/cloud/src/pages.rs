//! Following an answer from page to page.

use std::collections::BTreeSet;

use crate::{Error, ErrorKind};

/// Where one is in an answer of several pages.
#[derive(Debug, Default)]
pub struct Pages {
    next: Option<String>,
    seen: BTreeSet<String>,
}

impl Pages {
    /// What to ask for the next page with, a token or an address; none for the first.
    pub fn token(&mut self) -> Option<String> {
        self.next.take()
    }

    /// Takes the token that came with a page, and tells whether there is another one.
    ///
    /// A page that comes again would never end: that is an error. Amazon's own paginator takes it for
    /// the end and says nothing, Microsoft's do not notice.
    pub fn go_on(&mut self, next: Option<String>, attempted: String) -> Result<bool, Error> {
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(false);
        };
        if !self.seen.insert(next.clone()) {
            return Err(Error::new(
                ErrorKind::Protocol,
                attempted,
                "a page came a second time instead of the next one",
            ));
        }
        self.next = Some(next);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_and_none_is_read_twice() {
        let mut pages = Pages::default();
        let mut go_on = |next: &str| pages.go_on(Some(next.to_owned()), "list".to_owned());
        assert_eq!(go_on("a"), Ok(true));
        assert_eq!(go_on("b"), Ok(true));
        assert_eq!(go_on(""), Ok(false));
        let error = go_on("a").expect_err("a cycle");
        assert_eq!(error.kind, ErrorKind::Protocol);
    }
}
