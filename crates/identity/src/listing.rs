//! Pages, sorts and searches lists in the database.

use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Order, PaginatorTrait,
    QueryOrder, QuerySelect, Select,
};
use yunhai_model::PageRequest;

use crate::Result;

/// Matches rows in which one of the columns contains a text, whatever its case.
pub(crate) fn contains<C: ColumnTrait>(columns: &[C], text: &str) -> Condition {
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

/// Fetches the rows of one page and the number of all. `fields` are the names to sort by;
/// `tie` decides between equals, so that no row stands on two pages.
pub(crate) async fn fetch<E, C>(
    connection: &C,
    select: Select<E>,
    request: &PageRequest,
    fields: &[(&str, E::Column)],
    default: &str,
    tie: E::Column,
) -> Result<(Vec<E::Model>, u64)>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
    C: ConnectionTrait,
{
    let (column, descending) = request.order(fields, default)?;
    let order = if descending { Order::Desc } else { Order::Asc };
    let total = select.clone().count(connection).await?;
    let rows = select
        .order_by(*column, order.clone())
        .order_by(tie, order)
        .offset(request.offset())
        .limit(request.limit())
        .all(connection)
        .await?;
    Ok((rows, total))
}
