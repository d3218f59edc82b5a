//! The one way in which handlers end a change of what domains keep: it is committed together with its
//! entries in the audit log.

use serde::Serialize;
use serde_json::{Value, json};
use yunhai_database::Transaction;
use yunhai_identity::AuditEvent;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiResult;

/// Something as the audit log has it: without the fields that change by themselves.
pub(crate) fn recorded(shown: &impl Serialize, by_itself: &[&str]) -> Value {
    let mut recorded = json!(shown);
    if let Some(fields) = recorded.as_object_mut() {
        fields.retain(|field, _| !by_itself.contains(&field.as_str()));
    }
    recorded
}

impl App {
    /// Records a change in its transaction and commits. Where either fails everything is as it was, also
    /// in memory, and so it is where a handler returns before it comes here.
    pub(crate) async fn commit(
        &self,
        transaction: Transaction,
        caller: &Caller,
        events: impl IntoIterator<Item = AuditEvent>,
    ) -> ApiResult<()> {
        let events = events.into_iter().collect();
        let audit = self.identity.audit();
        Ok(audit
            .commit_change(transaction, &caller.actor(), events)
            .await?)
    }
}
