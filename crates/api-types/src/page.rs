//! Lists: paged, filtered and sorted by the server.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What part of a list is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The page, from 1.
    #[param(minimum = 1, maximum = 2_147_483_647, default = 1)]
    pub page: Option<u32>,
    /// Entries a page, at most 500.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub page_size: Option<u32>,
    /// The field to sort by, with `-` before it for descending.
    pub sort: Option<String>,
    /// Text that the entries must contain.
    pub q: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The entries of this page.
    pub items: Vec<T>,
    /// How many entries all pages have together.
    pub total: u64,
    /// This page, from 1.
    pub page: u32,
    /// Entries a page.
    pub page_size: u32,
}
