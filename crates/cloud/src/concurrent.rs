//! Several questions at once, a few at a time.

use futures::StreamExt as _;
use futures::future::BoxFuture;

/// How many regions, subscriptions or projects are asked at once.
pub const SCOPES_AT_ONCE: usize = 8;

/// Awaits all, `at_once` at a time, and returns what they return in their order.
///
/// They come boxed: a stream that makes them by a closure over borrowed values is more than the
/// compiler can prove to be `Send`.
pub async fn concurrently<T: Send>(questions: Vec<BoxFuture<'_, T>>, at_once: usize) -> Vec<T> {
    futures::stream::iter(questions)
        .buffered(at_once)
        .collect()
        .await
}
