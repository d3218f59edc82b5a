//! One page of a long list: what a caller asks for and what it gets.

use std::str::FromStr;

use serde::Serialize;

/// The largest page that may be asked for.
pub const MAX_PAGE_SIZE: u32 = 500;

/// The last page that may be asked for: numbers of pages fit every client's integers.
pub const MAX_PAGE: u32 = i32::MAX.cast_unsigned();

/// The size of a page when none is asked for.
pub const DEFAULT_PAGE_SIZE: u32 = 50;

/// A page that cannot be given.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidPage {
    /// Pages count from 1, and not forever.
    #[error("page: must be from 1 to {MAX_PAGE}, not {0}")]
    Page(u32),
    /// The size is 0 or too large.
    #[error("page_size: must be from 1 to {MAX_PAGE_SIZE}, not {0}")]
    Size(u32),
    /// The list cannot be sorted by that field.
    #[error("cannot sort by `{field}`; choose one of {allowed}")]
    Sort {
        /// What was asked for.
        field: String,
        /// The fields that exist, separated by commas.
        allowed: String,
    },
}

/// A field to sort by; written `name`, or `-name` for the reverse order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The field's name in the API.
    pub field: String,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl FromStr for Sort {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (field, descending) = match text.strip_prefix('-') {
            Some(field) => (field, true),
            None => (text, false),
        };
        Ok(Self {
            field: field.to_owned(),
            descending,
        })
    }
}

/// What part of a list is wanted, in which order, and which items count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Which page, from 1.
    pub page: u32,
    /// How many items a page holds, at most [`MAX_PAGE_SIZE`].
    pub page_size: u32,
    /// The order; none means the list's own.
    pub sort: Option<Sort>,
    /// A text that the items must contain.
    pub query: Option<String>,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            page: 1,
            page_size: DEFAULT_PAGE_SIZE,
            sort: None,
            query: None,
        }
    }
}

impl PageRequest {
    /// Makes a request of data from outside; `sort` is written as [`Sort`] says, and empty texts
    /// count as absent.
    pub fn parse(
        page: Option<u32>,
        page_size: Option<u32>,
        sort: Option<&str>,
        query: Option<&str>,
    ) -> Result<Self, InvalidPage> {
        let page = page.unwrap_or(1);
        let page_size = page_size.unwrap_or(DEFAULT_PAGE_SIZE);
        if page == 0 || page > MAX_PAGE {
            return Err(InvalidPage::Page(page));
        }
        if page_size == 0 || page_size > MAX_PAGE_SIZE {
            return Err(InvalidPage::Size(page_size));
        }
        Ok(Self {
            page,
            page_size,
            sort: sort
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .and_then(|text| text.parse().ok()),
            query: query
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        })
    }

    /// Returns how many items come before the page.
    pub fn offset(&self) -> u64 {
        u64::from(self.page.saturating_sub(1)) * self.limit()
    }

    /// Returns how many items the page holds at most.
    pub fn limit(&self) -> u64 {
        u64::from(self.page_size.clamp(1, MAX_PAGE_SIZE))
    }

    /// Finds the wanted order among the fields that a list can be sorted by; `default` stands for
    /// a request without one. Returns the value beside the field and whether it is descending.
    pub fn order<'a, T>(
        &self,
        fields: &'a [(&str, T)],
        default: &'a str,
    ) -> Result<(&'a T, bool), InvalidPage> {
        let sort = self.sort.clone().unwrap_or_else(|| {
            let Ok(sort) = default.parse();
            sort
        });
        fields
            .iter()
            .find(|(name, _)| *name == sort.field)
            .map(|(_, value)| (value, sort.descending))
            .ok_or_else(|| InvalidPage::Sort {
                field: sort.field.clone(),
                allowed: fields
                    .iter()
                    .map(|(name, _)| *name)
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// How many items all pages hold together.
    pub total: u64,
}

impl<T> Page<T> {
    /// Converts each item.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_from_one_and_have_a_limit() {
        let request = PageRequest::parse(Some(3), Some(20), Some("-name"), Some(" ")).unwrap();
        assert_eq!((request.offset(), request.limit()), (40, 20));
        assert_eq!(request.query, None);
        for page in [0, MAX_PAGE + 1] {
            assert_eq!(
                PageRequest::parse(Some(page), None, None, None),
                Err(InvalidPage::Page(page))
            );
        }
        assert_eq!(
            PageRequest::parse(None, Some(501), None, None),
            Err(InvalidPage::Size(501))
        );
    }

    #[test]
    fn sorting_by_an_unknown_field_names_the_known_ones() {
        let fields = [("name", 1), ("created", 2)];
        let request = PageRequest::parse(None, None, Some("-created"), None).unwrap();
        assert_eq!(request.order(&fields, "name"), Ok((&2, true)));
        assert_eq!(
            PageRequest::default().order(&fields, "name"),
            Ok((&1, false))
        );
        let wrong = PageRequest::parse(None, None, Some("age"), None).unwrap();
        let error = wrong.order(&fields, "name").unwrap_err().to_string();
        assert_eq!(error, "cannot sort by `age`; choose one of name, created");
    }
}
