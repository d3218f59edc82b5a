//! `yunhai server create|start|stop|restart|delete|orders`: orders to clouds, followed to their end.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Method;
use yunhai_api_types::{
    CloudOrder, CloudOrderState, CloudServerAction, CloudServerActionRequest, CloudServerCheck,
    CloudServerRequest, CloudTrouble,
};

use crate::client::{Client, read};
use crate::commands::{Session, cloud, name_and_value, segment, shell_word};
use crate::output::{Format, print_fields, print_json, print_rows, time, word};

/// How often a server is asked how far an order is.
const PAUSE: Duration = Duration::from_secs(1);

/// A server to be made.
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// The server's name; of several each gets a number
    name: String,
    /// The cloud account's name or id
    #[arg(long)]
    account: String,
    /// The region; one of those that the account looks at
    #[arg(long)]
    region: String,
    /// The zone within the region; the provider chooses if absent
    #[arg(long)]
    zone: Option<String>,
    /// What it is made from, in the provider's words: ami-0abc…
    #[arg(long)]
    image: String,
    /// The provider's word for its size: t3.micro
    #[arg(long = "type", value_name = "TYPE")]
    instance_type: String,
    /// The SSH key: the name of a key pair (AWS), or a public key (Azure, Google)
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The subnet that it stands in
    #[arg(long)]
    subnet: Option<String>,
    /// A security group (AWS) or network tag (Google); may be given several times
    #[arg(long = "security-group", value_name = "GROUP")]
    security_groups: Vec<String>,
    /// A file for cloud-init at the first start
    #[arg(long, value_name = "FILE")]
    user_data: Option<PathBuf>,
    /// A tag, as NAME=VALUE; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<String>,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    count: u32,
    /// The size of its first disk in GiB; the image's own if absent
    #[arg(long, value_name = "GIB")]
    disk_gib: Option<u32>,
    /// Refuse to delete it until the protection is lifted at the provider
    #[arg(long)]
    protect: bool,
    /// Only check, and show what it would cost
    #[arg(long)]
    dry_run: bool,
    /// Do not ask whether to go ahead
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    placing: PlacingArgs,
}

/// How an order is placed and followed.
#[derive(Debug, clap::Args)]
pub(crate) struct PlacingArgs {
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
    /// A word of yours: the same again places no second order
    #[arg(long, value_name = "WORD")]
    request_key: Option<String>,
}

/// Which servers, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ActArgs {
    /// The servers' names, as `yunhai cloud servers` lists them
    #[arg(required = true)]
    names: Vec<String>,
    /// Do not ask whether to go ahead
    #[arg(long, short)]
    yes: bool,
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
}

/// Which servers, and the proof that they are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    /// The servers' names, as `yunhai cloud servers` lists them
    #[arg(required = true)]
    names: Vec<String>,
    /// The name of a server once more, where there is no terminal to type it at; for each server
    #[arg(long, value_name = "NAME")]
    confirm: Vec<String>,
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
}

/// Which orders.
#[derive(Debug, clap::Args)]
pub(crate) struct OrdersArgs {
    /// Only the order with this id, with everything that is known of it
    id: Option<String>,
    /// Only orders that have not ended
    #[arg(long)]
    open: bool,
    /// Only orders about this server
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Only orders of this account
    #[arg(long)]
    account: Option<String>,
}

/// Makes servers.
pub(super) async fn create(session: &Session, args: CreateArgs) -> anyhow::Result<()> {
    let client = session.client().await?;
    let account = cloud::find(&client, &args.account).await?;
    let path = format!("api/v1/cloud-accounts/{}", segment(&account.id));
    let request = request(&args)?;
    if args.dry_run || !args.yes {
        let checks = format!("{path}/server-checks");
        let check: CloudServerCheck = client.send_json(Method::POST, &checks, &request).await?;
        if args.dry_run {
            print_fields(session.format, &check, &check_fields(&check));
            if !check.would_succeed {
                bail!("the servers could not be made");
            }
            return Ok(());
        }
        for (name, value) in check_fields(&check) {
            eprint_line(&format!("{name}: {value}"));
        }
        if !check.would_succeed {
            bail!("the servers could not be made; nothing was ordered");
        }
        let number = match args.count {
            1 => format!("the server {}", args.name),
            count => format!("{count} servers {}", args.name),
        };
        let place = format!("{} in {}", args.region, account.name);
        ask(&format!("Make {number} in {place}?"))?;
    }
    let path = format!("{path}/servers");
    let order = place(
        &client,
        &path,
        &request,
        args.placing.request_key.as_deref(),
    )
    .await?;
    follow(session, &client, vec![order], args.placing.no_wait).await
}

/// Starts, stops or restarts servers.
pub(super) async fn act(
    session: &Session,
    action: CloudServerAction,
    args: ActArgs,
) -> anyhow::Result<()> {
    let client = session.client().await?;
    if !args.yes && action != CloudServerAction::Start {
        let verb = word(&action);
        ask(&format!("Really {verb} {}?", args.names.join(", ")))?;
    }
    let mut orders = Vec::new();
    for name in &args.names {
        orders.push(place_action(&client, name, action, None).await?);
    }
    follow(session, &client, orders, args.no_wait).await
}

/// Deletes servers whose names were typed once more.
pub(super) async fn delete(session: &Session, args: DeleteArgs) -> anyhow::Result<()> {
    for name in &args.names {
        if args.confirm.contains(name) {
            continue;
        }
        if !std::io::stdin().is_terminal() {
            let name = shell_word(name);
            bail!("`{name}` would be deleted with its disk\nhint: say so by --confirm {name}");
        }
        let typed: String = dialoguer::Input::new()
            .with_prompt(format!("Type {name} to delete it with its disk"))
            .allow_empty(true)
            .interact_text()
            .context("cannot read what you type")?;
        if typed != *name {
            bail!("that is not {name}; nothing was deleted");
        }
    }
    let client = session.client().await?;
    let mut orders = Vec::new();
    for name in &args.names {
        let action = CloudServerAction::Delete;
        orders.push(place_action(&client, name, action, Some(name.clone())).await?);
    }
    follow(session, &client, orders, args.no_wait).await
}

/// Shows orders.
pub(super) async fn list(session: &Session, args: OrdersArgs) -> anyhow::Result<()> {
    let client = session.client().await?;
    if let Some(id) = args.id {
        let order: CloudOrder = show(&client, &id).await?;
        print_fields(session.format, &order, &order_fields(&order));
        return Ok(());
    }
    let mut filter = Vec::new();
    filter.extend(args.open.then(|| ("open", "true".to_owned())));
    filter.extend(args.server_name.map(|name| ("server", name)));
    filter.extend(args.account.map(|account| ("account", account)));
    let orders: Vec<CloudOrder> = client.list("api/v1/cloud-orders", &filter).await?;
    print_orders(session.format, &orders);
    Ok(())
}

fn request(args: &CreateArgs) -> anyhow::Result<CloudServerRequest> {
    let user_data = args.user_data.as_ref().map(|path| {
        std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the user data {}", path.display()))
    });
    let mut request = CloudServerRequest {
        name: args.name.clone(),
        region: args.region.clone(),
        zone: args.zone.clone(),
        image: args.image.clone(),
        instance_type: args.instance_type.clone(),
        ssh_key: args.key.clone(),
        subnet: args.subnet.clone(),
        security_groups: args.security_groups.clone(),
        user_data: user_data.transpose()?,
        tags: std::collections::BTreeMap::new(),
        count: args.count,
        disk_gib: args.disk_gib,
        is_protected: args.protect,
    };
    for tag in &args.tags {
        let (name, value) = name_and_value("--tag", tag)?;
        request.tags.insert(name.to_owned(), value.to_owned());
    }
    Ok(request)
}

async fn place_action(
    client: &Client,
    name: &str,
    action: CloudServerAction,
    confirmation: Option<String>,
) -> anyhow::Result<CloudOrder> {
    let path = format!("api/v1/cloud-servers/{}/actions", segment(name));
    let request = CloudServerActionRequest {
        action,
        confirmation,
    };
    place(client, &path, &request, None).await
}

async fn place(
    client: &Client,
    path: &str,
    request: &impl serde::Serialize,
    key: Option<&str>,
) -> anyhow::Result<CloudOrder> {
    let mut post = client.request(Method::POST, path)?.json(request);
    if let Some(key) = key {
        post = post.header("Idempotency-Key", key);
    }
    read(client.send(post).await?).await
}

async fn show(client: &Client, id: &str) -> anyhow::Result<CloudOrder> {
    let path = format!("api/v1/cloud-orders/{}", segment(id));
    client.get(&path, &[]).await
}

/// Waits for the end of orders, and tells on the standard error how far they are. Whoever goes away
/// stops nothing.
async fn follow(
    session: &Session,
    client: &Client,
    mut orders: Vec<CloudOrder>,
    no_wait: bool,
) -> anyhow::Result<()> {
    if !no_wait {
        let followed = async {
            for order in &mut orders {
                follow_one(client, order).await?;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            outcome = followed => outcome?,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("cannot wait for Ctrl-C")?;
                bail!("you stopped waiting; what was ordered goes on\n\
                       hint: `yunhai server orders --open` shows how far it is");
            }
        }
    }
    print_orders(session.format, &orders);
    let failed: Vec<String> = orders.iter().filter_map(failure).collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!("{}", failed.join("\n"))
}

async fn follow_one(client: &Client, order: &mut CloudOrder) -> anyhow::Result<()> {
    let mut told = String::new();
    loop {
        let line = progress_line(order);
        if line != told {
            eprint_line(&line);
            told = line;
        }
        if order.state.is_end() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
        let id = order.id.clone();
        *order = show(client, &id).await.with_context(|| {
            format!("the order {id} goes on; `yunhai server orders {id}` shows how far it is")
        })?;
    }
}

fn progress_line(order: &CloudOrder) -> String {
    let mut line = format!(
        "{} {}: {}, {} of {}",
        word(&order.action),
        order.server,
        state_word(order.state),
        order.done,
        order.total
    );
    if let Some(progress) = &order.progress {
        line = format!("{line} ({progress})");
    }
    if let Some(problem) = &order.problem {
        line.push_str("; ");
        line.push_str(&problem_text(problem));
    }
    line
}

/// Why an order did not come to the end that was wanted.
fn failure(order: &CloudOrder) -> Option<String> {
    let is_failed = matches!(
        order.state,
        CloudOrderState::Failed | CloudOrderState::GivenUp
    );
    let problem = order.problem.as_ref().filter(|_| is_failed)?;
    let mut text = problem.message.clone();
    if order.is_outcome_unknown {
        text.push_str("; whether it was carried out is not known, look at `yunhai cloud servers`");
    }
    if let Some(hint) = &problem.hint {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    Some(text)
}

fn print_orders(format: Format, orders: &[CloudOrder]) {
    if format == Format::Json {
        print_json(&orders);
        return;
    }
    print_rows(
        format,
        orders,
        [
            "order", "what", "server", "account", "region", "state", "done", "by", "placed",
            "problem",
        ],
        |order| {
            [
                order.id.clone(),
                word(&order.action),
                order.server.clone(),
                order.account.clone(),
                order.region.clone(),
                state_word(order.state),
                format!("{} of {}", order.done, order.total),
                order.ordered_by.clone(),
                time(order.placed_at_ms),
                order.problem.as_ref().map_or(String::new(), problem_text),
            ]
        },
    );
}

fn order_fields(order: &CloudOrder) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("order", order.id.clone()),
        ("what", word(&order.action)),
        ("server", order.server.clone()),
        ("account", format!("{} / {}", order.provider, order.account)),
        ("region", order.region.clone()),
        ("state", state_word(order.state)),
        ("done", format!("{} of {}", order.done, order.total)),
        ("servers", order.server_ids.join(", ")),
        ("ordered by", order.ordered_by.clone()),
        ("placed", time(order.placed_at_ms)),
        ("sent", time(order.sent_at_ms)),
        ("attempts", order.attempts.to_string()),
        ("ended", time(order.ended_at_ms)),
    ];
    let progress = order.progress.iter();
    fields.extend(progress.map(|text| ("progress", text.clone())));
    let problem = order.problem.iter();
    fields.extend(problem.map(|problem| ("problem", problem_text(problem))));
    fields
}

fn check_fields(check: &CloudServerCheck) -> Vec<(&'static str, String)> {
    let price = check.usd_per_hour.map_or_else(
        || "not told by the provider".to_owned(),
        |usd| {
            let a_month = usd * 730.0;
            format!("{usd:.4} USD an hour, {a_month:.2} USD a month, without disks and traffic")
        },
    );
    let mut fields = vec![("price", price)];
    for finding in &check.findings {
        let name = if finding.is_fatal { "fails" } else { "note" };
        fields.push((name, finding.text.clone()));
    }
    if check.findings.is_empty() {
        fields.push(("check", "it would succeed".to_owned()));
    }
    fields
}

fn state_word(state: CloudOrderState) -> String {
    word(&state).replace('_', " ")
}

fn problem_text(problem: &CloudTrouble) -> String {
    let hint = problem.hint.iter().map(|hint| format!("; {hint}"));
    [problem.message.clone()].into_iter().chain(hint).collect()
}

/// Asks at the terminal whether to go ahead.
fn ask(question: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("{question}\nhint: say so by --yes where there is no terminal");
    }
    let is_wanted = dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .context("cannot read what you type")?;
    if !is_wanted {
        bail!("nothing was ordered");
    }
    Ok(())
}

fn eprint_line(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_was_given_up_says_that_its_end_is_not_known() {
        let mut order = CloudOrder {
            id: "01".to_owned(),
            action: yunhai_api_types::CloudOrderAction::Stop,
            server: "web".to_owned(),
            account: "prod".to_owned(),
            provider: "aws".to_owned(),
            region: "a".to_owned(),
            state: CloudOrderState::Running,
            total: 1,
            done: 0,
            progress: Some("1 stopping".to_owned()),
            problem: None,
            is_outcome_unknown: false,
            server_ids: Vec::new(),
            attempts: 1,
            ordered_by: "ada".to_owned(),
            placed_at_ms: 0,
            sent_at_ms: None,
            ended_at_ms: None,
        };
        let line = "stop web: running, 0 of 1 (1 stopping)";
        assert_eq!(progress_line(&order), line);
        assert_eq!(failure(&order), None);
        order.state = CloudOrderState::GivenUp;
        order.is_outcome_unknown = true;
        order.problem = Some(CloudTrouble {
            scope: None,
            kind: "unavailable".to_owned(),
            message: "cannot stop web: no".to_owned(),
            code: None,
            hint: Some("wait".to_owned()),
        });
        let text = failure(&order).unwrap();
        assert!(
            text.contains("not known") && text.ends_with("hint: wait"),
            "{text}"
        );
    }
}
