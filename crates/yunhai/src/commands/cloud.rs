//! `yunhai cloud …`: accounts with clouds, and the servers in them.

mod access;

use anyhow::Context as _;
use reqwest::Method;
use yunhai_api_types::{
    CloudAccess, CloudAccount, CloudAccountCheck, CloudAccountRequest, CloudAccountTestRequest,
    CloudPolicy, CloudRound, CloudServer, CloudTrouble,
};
use yunhai_model::HumanDuration;

use access::Access;

use super::{Session, segment, shell_word};
use crate::client::{Client, read};
use crate::output::{Format, optional, print_done, print_fields, print_json, print_rows, time};

/// What can be done with clouds.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CloudCommand {
    /// List accounts and how they fare
    Accounts,
    /// Show an account
    Show {
        /// The account's name or id
        account: String,
    },
    /// Print the least rights that an account needs, ready to be pasted
    Policy {
        /// The provider: aws, azure or gcp
        provider: String,
        /// With the rights to make, start, stop and delete servers
        #[arg(long)]
        manage: bool,
    },
    /// Add an account; its credentials are tried first
    #[command(subcommand)]
    Add(Access<AddArgs>),
    /// Change how an account is opened: credentials, regions and endpoint, all of them
    #[command(subcommand)]
    SetAccess(Access<SetAccessArgs>),
    /// Change how often an account is asked, what that may cost, its name, or whether it is asked
    Set {
        /// The account's name or id
        account: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Ask an account now, and show what came of it
    Ask {
        /// The account's name or id
        account: String,
    },
    /// Delete an account; what was measured stays, and so does everything at the provider
    Delete {
        /// The account's name or id
        account: String,
    },
    /// List the servers of all accounts as their providers describe them
    Servers {
        /// Text that the name, the id, the type or an address must contain
        #[arg(long, short)]
        query: Option<String>,
        /// Only servers in this state: running, stopped, deleted, …
        #[arg(long)]
        state: Option<String>,
        /// Only servers of this account
        #[arg(long)]
        account: Option<String>,
        /// Only servers in this region
        #[arg(long)]
        region: Option<String>,
        /// Only servers with this tag, as NAME=VALUE
        #[arg(long)]
        tag: Option<String>,
        /// The field to sort by, with - before it for descending
        #[arg(long, default_value = "server", allow_hyphen_values = true)]
        sort: String,
    },
}

/// What is said of a new account beside how it is opened.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The account's name
    name: String,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Only try the credentials; nothing is kept
    #[arg(long)]
    dry_run: bool,
}

/// Which account is opened otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct SetAccessArgs {
    /// The account's name or id
    account: String,
    /// Only try the credentials; nothing is kept
    #[arg(long)]
    dry_run: bool,
}

/// How often an account is asked, and what that may cost.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingsArgs {
    /// How often it is asked, from 1m to 1d
    #[arg(long, value_name = "DURATION")]
    interval: Option<HumanDuration>,
    /// What the provider may charge for the questions in a month, in US dollars
    #[arg(long, value_name = "USD")]
    monthly_budget: Option<f64>,
    /// Let the questions cost what they cost
    #[arg(long, conflicts_with = "monthly_budget")]
    no_monthly_budget: bool,
    /// Whether it is asked
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
}

impl SettingsArgs {
    fn apply(&self, request: &mut CloudAccountRequest) {
        if let Some(interval) = self.interval {
            request.interval_secs = interval.0.as_secs();
        }
        if let Some(usd) = self.monthly_budget {
            request.monthly_budget_usd = Some(usd);
        }
        if self.no_monthly_budget {
            request.monthly_budget_usd = None;
        }
        if let Some(enabled) = self.enabled {
            request.enabled = enabled;
        }
    }
}

/// Runs `yunhai cloud …`.
pub(crate) async fn run(session: &Session, command: CloudCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    let format = session.format;
    match command {
        CloudCommand::Accounts => list_accounts(&client, format).await?,
        CloudCommand::Show { account } => show(format, &find(&client, &account).await?),
        CloudCommand::Policy { provider, manage } => {
            let scope = if manage { "manage" } else { "watch" };
            let path = format!("api/v1/cloud-policies/{}", segment(&provider));
            let filter = [("scope", scope.to_owned())];
            let policy: CloudPolicy = client.get(&path, &filter).await?;
            if format == Format::Json {
                print_json(&policy);
            } else {
                crate::output::print_text(&policy.document);
            }
        }
        CloudCommand::Add(access) => {
            let (add, access) = access.parts()?;
            if add.dry_run {
                return try_out(&client, format, access, None).await;
            }
            let mut request = CloudAccountRequest {
                name: add.name,
                access: Some(access),
                interval_secs: 300,
                monthly_budget_usd: None,
                enabled: true,
            };
            add.settings.apply(&mut request);
            let account: CloudAccount = client
                .send_json(Method::POST, "api/v1/cloud-accounts", &request)
                .await?;
            let sentence = format!(
                "Added {}, account {} of {}; see what is in it with `yunhai cloud ask {}`.",
                account.name,
                optional(account.account.as_deref()),
                account.provider,
                shell_word(&account.name)
            );
            print_done(format, &account, &with_problems(sentence, &account));
        }
        CloudCommand::SetAccess(access) => {
            let (set, access) = access.parts()?;
            let found = find(&client, &set.account).await?;
            if set.dry_run {
                return try_out(&client, format, access, Some(found.id)).await;
            }
            let request = CloudAccountRequest {
                access: Some(access),
                ..unchanged(&found)
            };
            let changed = replace(&client, &found, &request).await?;
            let sentence = format!(
                "Changed {}; it is opened as {}.",
                changed.name,
                optional(changed.identity.as_deref())
            );
            print_done(format, &changed, &with_problems(sentence, &changed));
        }
        CloudCommand::Set {
            account,
            name,
            settings,
        } => {
            let found = find(&client, &account).await?;
            let mut request = unchanged(&found);
            if let Some(name) = name {
                request.name = name;
            }
            settings.apply(&mut request);
            let changed = replace(&client, &found, &request).await?;
            print_done(format, &changed, &format!("Changed {}.", changed.name));
        }
        CloudCommand::Ask { account } => {
            let found = find(&client, &account).await?;
            let path = format!("api/v1/cloud-accounts/{}/ask", segment(&found.id));
            let round: CloudRound = client.send_json(Method::POST, &path, &()).await?;
            let mut fields = round_fields(&round);
            fields.extend(trouble_fields(&round.missing));
            print_fields(format, &round, &fields);
        }
        CloudCommand::Delete { account } => {
            let found = find(&client, &account).await?;
            let path = format!("api/v1/cloud-accounts/{}", segment(&found.id));
            client.delete(&path).await?;
            print_done(format, &(), &format!("Deleted {}.", found.name));
        }
        CloudCommand::Servers {
            query,
            state,
            account,
            region,
            tag,
            sort,
        } => {
            let mut filter = vec![("sort", sort)];
            for (name, value) in [
                ("q", query),
                ("state", state),
                ("account", account),
                ("region", region),
                ("tag", tag),
            ] {
                filter.extend(value.map(|value| (name, value)));
            }
            list_servers(&client, format, &filter).await?;
        }
    }
    Ok(())
}

async fn try_out(
    client: &Client,
    format: Format,
    access: CloudAccess,
    id: Option<String>,
) -> anyhow::Result<()> {
    let request = CloudAccountTestRequest { access, id };
    let check: CloudAccountCheck = client
        .send_json(Method::POST, "api/v1/cloud-account-tests", &request)
        .await?;
    show_check(format, &check);
    Ok(())
}

/// What a change sends that changes nothing.
fn unchanged(account: &CloudAccount) -> CloudAccountRequest {
    CloudAccountRequest {
        name: account.name.clone(),
        access: None,
        interval_secs: account.interval_secs,
        monthly_budget_usd: account.monthly_budget_usd,
        enabled: account.enabled,
    }
}

/// Replaces an account while it is still what was read.
async fn replace(
    client: &Client,
    account: &CloudAccount,
    request: &CloudAccountRequest,
) -> anyhow::Result<CloudAccount> {
    let path = format!("api/v1/cloud-accounts/{}", segment(&account.id));
    let put = client
        .request(Method::PUT, &path)?
        .header("If-Match", format!("\"{}\"", account.version))
        .json(request);
    read(client.send(put).await?).await
}

/// Says beside what was done what does not work.
fn with_problems(mut sentence: String, account: &CloudAccount) -> String {
    for problem in &account.problems {
        sentence.push_str("\nThis does not work: ");
        sentence.push_str(&trouble_text(problem));
    }
    sentence
}

async fn list_accounts(client: &Client, format: Format) -> anyhow::Result<()> {
    let accounts: Vec<CloudAccount> = client.list("api/v1/cloud-accounts", &[]).await?;
    print_rows(
        format,
        &accounts,
        [
            "account",
            "provider",
            "state",
            "servers",
            "last asked",
            "cost this month",
            "what is missing",
        ],
        |account| {
            let round = account.last_round.as_ref();
            [
                account.name.clone(),
                account.provider.clone(),
                crate::output::word(&account.state),
                round.map_or("–".to_owned(), |round| round.servers.to_string()),
                time(round.map(|round| round.at_ms)),
                usd(account.month_cost_usd),
                round
                    .and_then(|round| round.missing.first())
                    .map_or(String::new(), |trouble| trouble.message.clone()),
            ]
        },
    );
    Ok(())
}

async fn list_servers(
    client: &Client,
    format: Format,
    filter: &[(&str, String)],
) -> anyhow::Result<()> {
    let servers: Vec<CloudServer> = client.list("api/v1/cloud-servers", filter).await?;
    print_rows(
        format,
        &servers,
        [
            "server",
            "state",
            "type",
            "account",
            "region",
            "addresses",
            "id",
        ],
        |server| {
            let addresses = server
                .public_addresses
                .iter()
                .chain(&server.private_addresses);
            [
                server.server.clone(),
                server.state.clone(),
                server.instance_type.clone(),
                server.account.clone(),
                server.region.clone(),
                addresses.cloned().collect::<Vec<_>>().join(" "),
                server.id.clone(),
            ]
        },
    );
    Ok(())
}

fn show(format: Format, account: &CloudAccount) {
    let mut fields = vec![
        ("account", account.name.clone()),
        ("id", account.id.clone()),
        ("provider", account.provider.clone()),
        ("state", crate::output::word(&account.state)),
        ("signed in as", optional(account.identity.as_deref())),
        (
            "account at the provider",
            optional(account.account.as_deref()),
        ),
        (
            "interval",
            HumanDuration::from_secs(account.interval_secs).to_string(),
        ),
        ("cost this month", usd(account.month_cost_usd)),
        ("regions", account.regions.join(", ")),
        (
            "monthly budget",
            account.monthly_budget_usd.map_or("none".to_owned(), usd),
        ),
    ];
    fields.extend(
        account
            .problems
            .iter()
            .map(|problem| ("does not work", trouble_text(problem))),
    );
    if let Some(round) = &account.last_round {
        fields.extend(round_fields(round));
        fields.extend(trouble_fields(&round.missing));
    }
    print_fields(format, account, &fields);
}

fn show_check(format: Format, check: &CloudAccountCheck) {
    let mut fields = vec![
        ("signed in as", check.identity.clone()),
        ("account at the provider", check.account.clone()),
        ("regions", check.regions.join(", ")),
    ];
    fields.extend(trouble_fields(&check.problems));
    print_fields(format, check, &fields);
}

fn round_fields(round: &CloudRound) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("asked", time(Some(round.at_ms))),
        ("took", format!("{:.1} s", round.took_ms as f64 / 1000.0)),
        ("servers", round.servers.to_string()),
        ("measurements", round.samples.to_string()),
        ("calls", round.calls.to_string()),
        ("cost", usd(round.cost_usd)),
    ];
    if round.is_over_budget {
        let text = "metrics were left out, as they would have cost more";
        fields.push(("over budget", text.to_owned()));
    }
    fields
}

fn trouble_fields(troubles: &[CloudTrouble]) -> Vec<(&'static str, String)> {
    troubles
        .iter()
        .map(|trouble| ("missing", trouble_text(trouble)))
        .collect()
}

fn trouble_text(trouble: &CloudTrouble) -> String {
    let scope = trouble.scope.iter().map(|scope| format!("{scope}: "));
    let hint = trouble.hint.iter().map(|hint| format!("; {hint}"));
    scope.chain([trouble.message.clone()]).chain(hint).collect()
}

fn usd(usd: f64) -> String {
    format!("{usd:.4} USD")
}

/// Finds an account by its name or id.
pub(super) async fn find(client: &Client, name_or_id: &str) -> anyhow::Result<CloudAccount> {
    let accounts: Vec<CloudAccount> = client.list("api/v1/cloud-accounts", &[]).await?;
    accounts
        .into_iter()
        .find(|account| account.name == name_or_id || account.id == name_or_id)
        .with_context(|| format!("there is no cloud account `{name_or_id}`"))
}
