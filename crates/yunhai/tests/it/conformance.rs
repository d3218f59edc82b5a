//! Debian's Prometheus 2.42 and the real program get the same samples by remote write and must
//! answer alike over HTTP. The list of queries is the engine's, in `crates/promql`.

#[path = "../../../promql/tests/it/conformance/api.rs"]
mod api;
#[path = "../../../promql/tests/it/conformance/compare.rs"]
mod compare;
#[path = "../../../promql/tests/it/conformance/fixture.rs"]
mod fixture;
#[path = "../../../promql/tests/it/conformance/prometheus.rs"]
mod prometheus;
#[path = "../../../promql/tests/it/conformance/queries.rs"]
mod queries;

use anyhow::Result;
use http::{HeaderMap, HeaderValue, header};

use crate::program::{Home, PASSWORD};
use api::Api;
use prometheus::Prometheus;

/// The samples are some years old, and the questions many.
const CONFIGURATION: &str = "\
[server]
requests_per_minute = 1000000
[series]
raw_retention = \"100y\"
";

/// How far back the program looks, which measurements of every five minutes need.
const LOOK_BACK: &str = "15m";

#[tokio::test(flavor = "multi_thread")]
async fn the_program_answers_as_prometheus_does() -> Result<()> {
    let home = Home::new();
    let configuration = home.write("yunhai.toml", CONFIGURATION);
    let server = home.serve_signed_in(&["--config", &configuration]);
    let create =
        "token create --name c --scope servers:read --scope metrics:write --password-stdin";
    let words: Vec<&str> = create.split(' ').collect();
    let token = home.run_with(&words, PASSWORD).done();
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.trim()))?;
    authorization.set_sensitive(true);
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, authorization)]);
    let ours = Api {
        url: format!("{}/prometheus/api/v1", server.url),
        client: reqwest::Client::builder()
            .no_proxy()
            .default_headers(headers)
            .build()?,
    };
    let prometheus = Prometheus::start(LOOK_BACK).await?;
    let series = fixture::series();
    prometheus.api.write(&series).await?;
    ours.write(&series).await?;
    compare::check(&prometheus.api, |query| ours.ask(query)).await
}
