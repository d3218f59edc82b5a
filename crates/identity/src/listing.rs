//! Pages, sorts and searches lists in the database.

use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};
use yunhai_model::{Page, PageRequest, UserId};

use crate::Result;

/// Matches rows in which one of the columns contains a text, whatever its case.
fn contains<C: ColumnTrait>(columns: &[C], text: &str) -> Condition {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    columns.iter().fold(Condition::any(), |any, column| {
        let folded = Expr::from(Func::lower(Expr::col(*column)));
        any.add(folded.like(LikeExpr::new(pattern.clone()).escape('!')))
    })
}

/// Selects the rows of one user, or all.
pub(crate) fn of_user<E: EntityTrait>(
    select: Select<E>,
    column: E::Column,
    user_id: Option<UserId>,
) -> Select<E> {
    match user_id {
        Some(user_id) => select.filter(column.eq(user_id.to_string())),
        None => select,
    }
}

/// How the rows of a table are listed.
pub(crate) struct Listing<'a, E: EntityTrait> {
    /// The columns in which the request's text is looked for.
    pub(crate) searched: &'a [E::Column],
    /// The names to sort by, and their columns.
    pub(crate) fields: &'a [(&'a str, E::Column)],
    /// How the list is sorted unless the request says otherwise.
    pub(crate) default: &'a str,
    /// Decides between equals, so that no row stands on two pages.
    pub(crate) tie: E::Column,
}

impl<E: EntityTrait> Listing<'_, E>
where
    E::Model: FromQueryResult + Send + Sync,
{
    /// Fetches one page of what is selected.
    pub(crate) async fn page<T>(
        &self,
        connection: &impl ConnectionTrait,
        mut select: Select<E>,
        request: &PageRequest,
        convert: impl FnMut(E::Model) -> Result<T>,
    ) -> Result<Page<T>> {
        let (column, descending) = request.order(self.fields, self.default)?;
        let order = if descending { Order::Desc } else { Order::Asc };
        if let Some(text) = &request.query {
            select = select.filter(contains(self.searched, text));
        }
        let total = select.clone().count(connection).await?;
        let rows = select
            .order_by(*column, order.clone())
            .order_by(self.tie, order)
            .offset(request.offset())
            .limit(request.limit())
            .all(connection)
            .await?;
        Ok(Page {
            items: rows.into_iter().map(convert).collect::<Result<_>>()?,
            total,
        })
    }
}
