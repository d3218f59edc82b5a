//! The names of what the audit log records, and on what; they never change.

use crate::names::named;

named! {
    /// What was done.
    pub enum Action("action") {
        /// The first administrator was made.
        SetupCompleted = "setup.completed",
        /// The server started.
        ServerStarted = "server.started",
        /// The server stopped.
        ServerStopped = "server.stopped",
        /// Settings were changed.
        SettingsChanged = "settings.changed",
        /// The data key was changed.
        KeyRotated = "key.rotated",
        /// A user was made by an administrator.
        UserCreated = "user.created",
        /// A user was changed.
        UserUpdated = "user.updated",
        /// A user was deleted.
        UserDeleted = "user.deleted",
        /// Someone registered.
        UserRegistered = "user.registered",
        /// A registered user was approved.
        UserApproved = "user.approved",
        /// Failed attempts locked a user for a while.
        UserLocked = "user.locked",
        /// An administrator ended the lock.
        UserUnlocked = "user.unlocked",
        /// Failed attempts locked a network address for a while.
        AddressLocked = "address.locked",
        /// A user changed their password, or an administrator set it.
        PasswordChanged = "password.changed",
        /// Someone signed in.
        LoginSucceeded = "login.succeeded",
        /// Someone failed to sign in.
        LoginFailed = "login.failed",
        /// Someone entered their password again for something dangerous.
        Reauthenticated = "login.reauthenticated",
        /// Someone signed out.
        Logout = "logout",
        /// A session was ended by its user or an administrator.
        SessionRevoked = "session.revoked",
        /// A second factor was turned on.
        SecondFactorEnabled = "second_factor.enabled",
        /// A second factor was turned off.
        SecondFactorDisabled = "second_factor.disabled",
        /// New recovery codes were made.
        RecoveryCodesCreated = "recovery_codes.created",
        /// A recovery code stood in for the second factor.
        RecoveryCodeUsed = "recovery_code.used",
        /// An API token was made.
        TokenCreated = "token.created",
        /// An API token was revoked.
        TokenRevoked = "token.revoked",
        /// An invitation was made.
        InvitationCreated = "invitation.created",
        /// An invitation was withdrawn.
        InvitationRevoked = "invitation.revoked",
        /// A principal tried what they may not do.
        AccessDenied = "access.denied",
        /// The audit log was verified.
        AuditVerified = "audit.verified",
        /// An alert was acknowledged.
        AlertAcknowledged = "alert.acknowledged",
        /// The acknowledgement of an alert was taken back.
        AlertUnacknowledged = "alert.unacknowledged",
        /// An alert was commented on.
        AlertCommented = "alert.commented",
        /// A rule was made.
        RuleCreated = "rule.created",
        /// A rule was changed.
        RuleUpdated = "rule.updated",
        /// A rule was deleted.
        RuleDeleted = "rule.deleted",
        /// Alerts were silenced.
        SilenceCreated = "silence.created",
        /// A silence was changed.
        SilenceUpdated = "silence.updated",
        /// A silence was ended.
        SilenceEnded = "silence.ended",
        /// A maintenance window was planned.
        MaintenanceCreated = "maintenance.created",
        /// A maintenance window was changed.
        MaintenanceUpdated = "maintenance.updated",
        /// A maintenance window was deleted.
        MaintenanceDeleted = "maintenance.deleted",
        /// An inhibition was made.
        InhibitionCreated = "inhibition.created",
        /// An inhibition was changed.
        InhibitionUpdated = "inhibition.updated",
        /// An inhibition was deleted.
        InhibitionDeleted = "inhibition.deleted",
        /// A notification channel was made.
        ChannelCreated = "channel.created",
        /// A notification channel was changed.
        ChannelUpdated = "channel.updated",
        /// A notification channel was deleted.
        ChannelDeleted = "channel.deleted",
        /// A test message was sent through a channel.
        ChannelTested = "channel.tested",
        /// The routes from alerts to channels were changed.
        RoutesChanged = "routes.changed",
        /// A probe was made.
        ProbeCreated = "probe.created",
        /// A probe was changed.
        ProbeUpdated = "probe.updated",
        /// A probe was deleted.
        ProbeDeleted = "probe.deleted",
        /// A probe was tried by hand.
        ProbeTested = "probe.tested",
        /// An account with a cloud was added.
        CloudAccountCreated = "cloud_account.created",
        /// An account with a cloud was changed.
        CloudAccountUpdated = "cloud_account.updated",
        /// An account with a cloud was removed.
        CloudAccountDeleted = "cloud_account.deleted",
        /// Access to an account with a cloud was tried without keeping it.
        CloudAccountTested = "cloud_account.tested",
        /// An account with a cloud was asked by hand.
        CloudAccountAsked = "cloud_account.asked",
        /// Servers were ordered from a cloud, or something to be done with one.
        CloudOrderPlaced = "cloud_order.placed",
        /// An order to a cloud was carried out, refused or given up.
        CloudOrderEnded = "cloud_order.ended",
        /// A token with which machines join was made.
        EnrolmentTokenCreated = "enrolment_token.created",
        /// A token with which machines join was revoked.
        EnrolmentTokenRevoked = "enrolment_token.revoked",
        /// A machine has joined and got a key for its agent.
        AgentEnrolled = "agent.enrolled",
        /// The key of a machine's agent was revoked.
        AgentRevoked = "agent.revoked",
        /// A monitored server was changed.
        MonitoredServerUpdated = "monitored_server.updated",
        /// A monitored server was removed.
        MonitoredServerDeleted = "monitored_server.deleted",
    }
}

named! {
    /// How it went.
    pub enum Outcome("outcome") {
        /// It was done.
        Success = "success",
        /// It failed.
        Failure = "failure",
        /// It was not allowed.
        Denied = "denied",
    }
}

named! {
    /// On what kind of thing it was done.
    pub enum TargetKind("target") {
        /// An account.
        User = "user",
        /// A sign-in.
        Session = "session",
        /// An API token.
        Token = "token",
        /// An invitation to register.
        Invitation = "invitation",
        /// Who may register.
        Registration = "registration",
        /// A network address.
        Address = "address",
        /// A request that was refused.
        Request = "request",
        /// The audit log itself.
        AuditLog = "audit log",
        /// The data key.
        Key = "key",
        /// The server program, or a machine that it watches.
        Server = "server",
        /// How often this machine is measured.
        Collection = "collection",
        /// A probe.
        Probe = "probe",
        /// An account with a cloud.
        CloudAccount = "cloud account",
        /// An order to a cloud.
        CloudOrder = "cloud order",
        /// A token with which machines join.
        EnrolmentToken = "enrolment token",
        /// The agent on a machine.
        Agent = "agent",
        /// An alert.
        Alert = "alert",
        /// A group of rules, or one rule of the form.
        Rule = "rule",
        /// A silence.
        Silence = "silence",
        /// A maintenance window.
        MaintenanceWindow = "maintenance window",
        /// An inhibition.
        Inhibition = "inhibition",
        /// A notification channel.
        Channel = "channel",
        /// The routes from alerts to channels.
        Routes = "routes",
    }
}
