//! How strong a password is, shown to the one who chooses it.

use yunhai_model::Secret;

use crate::{Identity, WeakPassword, check_strength};

/// How strong a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordStrength {
    /// From 0 (guessed at once) to 4 (very strong), as zxcvbn counts.
    pub score: u8,
    /// Why it may not be used.
    pub weakness: Option<WeakPassword>,
}

impl Identity {
    /// Rates a password, also for someone who knows `about_user`.
    pub fn password_strength(&self, password: &Secret, about_user: &[&str]) -> PasswordStrength {
        let weakness = check_strength(password, about_user, self.config.password_min_length).err();
        let score = match &weakness {
            // The estimate of an endless text would take endless time.
            Some(weak) if weak.reason.code == "too_long" => 0,
            _ => u8::from(zxcvbn::zxcvbn(password.expose(), about_user).score()),
        };
        PasswordStrength { score, weakness }
    }
}
