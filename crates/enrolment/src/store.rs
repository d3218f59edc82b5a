//! What is kept of tokens and agents. Each table holds the columns that it is searched by and the rest
//! as JSON.

use sea_orm::sea_query::{Expr, ExprTrait, LockType, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yunhai_database::{Database, Migration, Table, is_unique_violation};

use crate::agent::Agent;
use crate::error::{Error, Result};
use crate::token::EnrolmentToken;

const TOKENS: &str = "enrolment_token";
const AGENTS: &str = "agent";

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[Migration {
    domain: "enrolment",
    version: 1,
    name: "enrolment tokens and agents",
    statements: tables,
}];

fn tables(backend: DbBackend) -> Vec<Statement> {
    [
        Table::new(TOKENS)
            .id("id")
            .string("token_hash")
            .text("body")
            .primary_key(&["id"])
            .unique(&["token_hash"]),
        Table::new(AGENTS)
            .id("id")
            .string("name")
            .string("key_hash")
            .text("body")
            .primary_key(&["id"])
            .unique(&["name"])
            .unique(&["key_hash"]),
    ]
    .iter()
    .flat_map(|table| table.statements(backend))
    .collect()
}

/// The tables of tokens and agents.
#[derive(Clone, Debug)]
pub(crate) struct Store(pub(crate) Database);

impl Store {
    pub(crate) async fn add_token(
        &self,
        connection: &DatabaseTransaction,
        token: &EnrolmentToken,
        hash: &str,
    ) -> Result<()> {
        let insert = Query::insert()
            .into_table(TOKENS)
            .columns(["id", "token_hash", "body"])
            .values_panic([
                token.id.to_string().into(),
                hash.into(),
                encode(token).into(),
            ])
            .to_owned();
        connection.execute(&insert).await?;
        Ok(())
    }

    pub(crate) async fn tokens(&self) -> Result<Vec<EnrolmentToken>> {
        let query = Query::select()
            .column("body")
            .from(TOKENS)
            .order_by("id", Order::Desc)
            .to_owned();
        let rows = self.0.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| body(row, "enrolment token"))
            .collect()
    }

    /// Reads a token for a change, by its id or its hash: nobody else changes it until the transaction
    /// ends.
    pub(crate) async fn hold_token(
        &self,
        connection: &DatabaseTransaction,
        column: &'static str,
        value: &str,
    ) -> Result<Option<EnrolmentToken>> {
        let query = Query::select()
            .column("body")
            .from(TOKENS)
            .and_where(Expr::col(column).eq(value))
            .lock(LockType::Update)
            .to_owned();
        let row = connection.query_one(&query).await?;
        row.map(|row| body(&row, "enrolment token")).transpose()
    }

    pub(crate) async fn change_token(
        &self,
        connection: &DatabaseTransaction,
        token: &EnrolmentToken,
    ) -> Result<()> {
        let update = Query::update()
            .table(TOKENS)
            .value("body", encode(token))
            .and_where(Expr::col("id").eq(token.id.to_string()))
            .to_owned();
        connection.execute(&update).await?;
        Ok(())
    }

    pub(crate) async fn delete(
        &self,
        connection: &DatabaseTransaction,
        what: Kept,
        id: &str,
    ) -> Result<()> {
        let delete = Query::delete()
            .from_table(what.table())
            .and_where(Expr::col("id").eq(id))
            .to_owned();
        connection.execute(&delete).await?;
        Ok(())
    }

    pub(crate) async fn agents(&self, connection: &impl ConnectionTrait) -> Result<Vec<Agent>> {
        let query = Query::select()
            .column("body")
            .from(AGENTS)
            .order_by("name", Order::Asc)
            .to_owned();
        let rows = connection.query_all(&query).await?;
        rows.iter().map(|row| body(row, "agent")).collect()
    }

    pub(crate) async fn hold_agent(
        &self,
        connection: &DatabaseTransaction,
        id: &str,
    ) -> Result<Option<Agent>> {
        let query = Query::select()
            .column("body")
            .from(AGENTS)
            .and_where(Expr::col("id").eq(id))
            .lock(LockType::Update)
            .to_owned();
        let row = connection.query_one(&query).await?;
        row.map(|row| body(&row, "agent")).transpose()
    }

    pub(crate) async fn agent_by_key(&self, hash: &str) -> Result<Option<Agent>> {
        let query = Query::select()
            .column("body")
            .from(AGENTS)
            .and_where(Expr::col("key_hash").eq(hash))
            .to_owned();
        let row = self.0.connection().query_one(&query).await?;
        row.map(|row| body(&row, "agent")).transpose()
    }

    /// Puts an agent in its place; a name that another one has by now is refused.
    pub(crate) async fn put_agent(
        &self,
        connection: &DatabaseTransaction,
        agent: &Agent,
        hash: &str,
    ) -> Result<()> {
        self.delete(connection, Kept::Agent, &agent.id.to_string())
            .await?;
        let insert = Query::insert()
            .into_table(AGENTS)
            .columns(["id", "name", "key_hash", "body"])
            .values_panic([
                agent.id.to_string().into(),
                agent.name.as_str().into(),
                hash.into(),
                encode(agent).into(),
            ])
            .to_owned();
        match connection.execute(&insert).await {
            Ok(_) => Ok(()),
            Err(error) if is_unique_violation(&error) => Err(Error::NameTaken(agent.name.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes what was seen of an agent, unless its key was revoked or replaced meanwhile.
    pub(crate) async fn note(&self, agent: &Agent, hash: &str) -> Result<()> {
        let update = Query::update()
            .table(AGENTS)
            .value("body", encode(agent))
            .and_where(Expr::col("key_hash").eq(hash))
            .to_owned();
        self.0.connection().execute(&update).await?;
        Ok(())
    }
}

/// What is kept.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    Token,
    Agent,
}

impl Kept {
    fn table(self) -> &'static str {
        match self {
            Self::Token => TOKENS,
            Self::Agent => AGENTS,
        }
    }
}

fn body<T: DeserializeOwned>(row: &QueryResult, what: &'static str) -> Result<T> {
    let text: String = row.try_get("", "body")?;
    serde_json::from_str(&text).map_err(|source| Error::Stored { what, source })
}

fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored has text keys and no odd numbers")
}
