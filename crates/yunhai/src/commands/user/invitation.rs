//! `yunhai user invite` and `yunhai user invitations`.

use reqwest::Method;
use yunhai_api_types::{CreateInvitationRequest, CreatedInvitation, Invitation};

use super::RoleArg;
use crate::commands::{Session, segment};
use crate::output::{optional, print_done, print_rows, time, word};

/// Whom to invite.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai user invite --role viewer --email ann@example.com
  yunhai user invite --role operator --hours 24 --format json")]
pub(crate) struct InviteArgs {
    /// What the new user may do
    #[arg(long, value_enum)]
    role: RoleArg,
    /// The e-mail address that it is meant for, to tell it from others; nothing is sent there
    #[arg(long)]
    email: Option<String>,
    /// For how many hours it holds
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u32).range(1..=720))]
    hours: u32,
}

/// What can be done with invitations.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum InvitationCommand {
    /// List invitations (without a subcommand, too)
    List {
        /// Only invitations in this state
        #[arg(long, value_parser = ["open", "used", "expired"])]
        state: Option<String>,
    },
    /// Withdraw an invitation
    Withdraw {
        /// The invitation's id
        id: String,
    },
}

/// Makes an invitation.
pub(super) async fn invite(session: &Session, args: InviteArgs) -> anyhow::Result<()> {
    let client = session.client().await?;
    let request = CreateInvitationRequest {
        role: args.role.into(),
        email: args.email,
        valid_hours: args.hours,
    };
    let created: CreatedInvitation = client
        .send_json(Method::POST, "api/v1/invitations", &request)
        .await?;
    let sentence = format!(
        "Code: {}\nIt makes one {} and holds until {}; it is entered at {}register.",
        created.code,
        word(&created.invitation.role),
        time(created.invitation.expires_at_ms),
        client.server
    );
    print_done(session.format, &created, &sentence);
    Ok(())
}

/// Runs `yunhai user invitations …`.
pub(super) async fn run(
    session: &Session,
    command: Option<InvitationCommand>,
) -> anyhow::Result<()> {
    let client = session.client().await?;
    match command.unwrap_or(InvitationCommand::List { state: None }) {
        InvitationCommand::List { state } => {
            let filter: Vec<_> = state.map(|state| ("state", state)).into_iter().collect();
            let invitations: Vec<Invitation> = client.list("api/v1/invitations", &filter).await?;
            print_rows(
                session.format,
                &invitations,
                [
                    "id", "role", "e-mail", "state", "made by", "ends", "used by",
                ],
                |invitation| {
                    [
                        invitation.id.clone(),
                        word(&invitation.role),
                        optional(invitation.email.as_deref()),
                        word(&invitation.state),
                        invitation.created_by.clone(),
                        time(invitation.expires_at_ms),
                        optional(invitation.used_by.as_deref()),
                    ]
                },
            );
        }
        InvitationCommand::Withdraw { id } => {
            client
                .delete(&format!("api/v1/invitations/{}", segment(&id)))
                .await?;
            print_done(session.format, &(), &format!("Withdrew invitation {id}."));
        }
    }
    Ok(())
}
