//! A server without a socket, for the command line on the machine itself: the same addresses and
//! handlers as over the network, asked by this process. Nothing runs in the background, but for the
//! orders to clouds that it places.

use std::sync::Arc;

use anyhow::Context;
use axum::body::{Body, HttpBody, to_bytes};
use axum::{BoxError, Router};
use bytes::Bytes;
use http::{Request, Response};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::app::App;
use crate::caller::LocalUser;
use crate::config::ServerConfig;
use crate::server::Parts;

/// Answers requests of this process on behalf of the machine's user.
#[derive(Clone)]
pub struct LocalServer {
    app: Arc<App>,
    router: Router,
    user: LocalUser,
    /// Carries out orders to clouds; ended with the stores.
    orders: Arc<tokio::task::JoinHandle<()>>,
    stop: CancellationToken,
}

impl std::fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalServer").finish_non_exhaustive()
    }
}

impl LocalServer {
    /// Opens the stores. Whoever may do so may do everything; the audit log names them `user`.
    pub async fn open(parts: Parts, config: &ServerConfig, user: &str) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let (app, _) = crate::server::open(parts, stop.clone()).await?;
        app.fleet.refresh().await?;
        let (inventory, stopped) = (app.inventory.clone(), stop.clone());
        let orders = tokio::spawn(async move { inventory.run_orders_once_placed(stopped).await });
        Ok(Self {
            orders: Arc::new(orders),
            stop,
            router: crate::router::local_router(Arc::clone(&app), config),
            app,
            user: LocalUser(user.to_owned()),
        })
    }

    /// Answers a request. Its host does not matter.
    pub async fn answer<B>(&self, request: Request<B>) -> anyhow::Result<Response<Bytes>>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.user.clone());
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX)
            .await
            .context("the answer broke off")?;
        Ok(Response::from_parts(parts, body))
    }

    /// Closes the stores.
    pub async fn close(self) -> anyhow::Result<()> {
        self.stop.cancel();
        if let Some(orders) = Arc::into_inner(self.orders) {
            orders.await.context("carrying orders out ended badly")?;
        }
        Ok(self.app.store.close().await?)
    }
}
