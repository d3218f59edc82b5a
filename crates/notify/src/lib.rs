//! Notification channels: e-mail, chat robots, SMS, webhooks.
