//! Lists: from the query of a request to the page that travels.

use std::cmp::Ordering;

use yunhai_api_types::{List, ListQuery};
use yunhai_model::{Page, PageRequest, Sort};

use crate::error::{ApiResult, Json};

/// Checks which part of a list is asked for. `fields` are the fields to sort by, each beside the
/// name that the domain has for it.
pub(crate) fn page_request(query: &ListQuery, fields: &[(&str, &str)]) -> ApiResult<PageRequest> {
    let mut request = PageRequest::parse(
        query.page,
        query.page_size,
        query.sort.as_deref(),
        query.q.as_deref(),
    )?;
    if request.sort.is_some() {
        let (field, descending) = request.order(fields, "")?;
        request.sort = Some(Sort {
            field: (*field).to_owned(),
            descending,
        });
    }
    Ok(request)
}

/// A field to sort by: its name in the API, and how entries compare by it.
pub(crate) type SortField<T> = (&'static str, fn(&T, &T) -> Ordering);

/// Sorts entries by the field that is asked for; the first of `fields` unless one is.
pub(crate) fn sort_by<T>(
    entries: &mut [T],
    request: &PageRequest,
    fields: &[SortField<T>],
) -> ApiResult<()> {
    let first = fields.first().map_or("", |(name, _)| name);
    let (compare, descending) = request.order(fields, first)?;
    // The sort is stable: equals stay in the order of the list's own.
    entries.sort_by(|a, b| {
        let order = compare(a, b);
        if descending { order.reverse() } else { order }
    });
    Ok(())
}

/// Checks which part of a list is asked for that is sorted here.
pub(crate) fn request_for<T>(query: &ListQuery, fields: &[SortField<T>]) -> ApiResult<PageRequest> {
    let names: Vec<_> = fields.iter().map(|(name, _)| (*name, *name)).collect();
    page_request(query, &names)
}

/// Makes the page that is asked for out of all entries: those in which the text that is looked for
/// stands (`contains` gets it in lower case), sorted.
pub(crate) fn list<T>(
    mut entries: Vec<T>,
    request: &PageRequest,
    fields: &[SortField<T>],
    contains: impl Fn(&T, &str) -> bool,
) -> ApiResult<Json<List<T>>> {
    if let Some(text) = &request.query {
        let text = text.to_lowercase();
        entries.retain(|entry| contains(entry, &text));
    }
    sort_by(&mut entries, request, fields)?;
    let page = page_of(entries, request);
    Ok(Json(list_of(page, request, |entry| entry)))
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

    #[test]
    fn fields_have_the_names_of_the_api() {
        let query = |sort: &str| ListQuery {
            sort: Some(sort.to_owned()),
            ..ListQuery::default()
        };
        let fields = [("created_at_ms", "created")];
        let request = page_request(&query("-created_at_ms"), &fields).unwrap();
        assert_eq!(request.sort, "-created".parse().ok());
        let error = page_request(&query("created"), &fields).unwrap_err();
        assert!(
            error.0.detail.contains("created_at_ms"),
            "{}",
            error.0.detail
        );
    }
}
