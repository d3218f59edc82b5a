//! Lists: from the query of a request to the page that travels.

use yunhai_api_types::{List, ListQuery};
use yunhai_model::{Page, PageRequest};

use crate::error::ApiResult;

/// Checks which part of a list is asked for.
pub(crate) fn page_request(query: &ListQuery) -> ApiResult<PageRequest> {
    Ok(PageRequest::parse(
        query.page,
        query.page_size,
        query.sort.as_deref(),
        query.q.as_deref(),
    )?)
}

/// Turns a domain's page into the list that travels.
pub(crate) fn list_of<T, U>(
    page: Page<T>,
    request: &PageRequest,
    convert: impl FnMut(T) -> U,
) -> List<U> {
    List {
        items: page.items.into_iter().map(convert).collect(),
        total: page.total,
        page: request.page,
        page_size: request.page_size,
    }
}

/// Cuts a page out of all entries.
pub(crate) fn page_of<T>(entries: Vec<T>, request: &PageRequest) -> Page<T> {
    let skipped = usize::try_from(request.offset()).unwrap_or(usize::MAX);
    Page {
        total: entries.len() as u64,
        items: entries
            .into_iter()
            .skip(skipped)
            .take(request.page_size as usize)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_beyond_the_end_is_empty() {
        let request = |page| PageRequest {
            page,
            page_size: 2,
            ..PageRequest::default()
        };
        let page = page_of(vec![1, 2, 3], &request(2));
        assert_eq!((page.items, page.total), (vec![3], 3));
        assert!(page_of(vec![1], &request(u32::MAX)).items.is_empty());
    }
}
