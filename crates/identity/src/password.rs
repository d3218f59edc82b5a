//! Passwords: how strong they must be, and how they are kept.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use yunhai_model::Secret;
use zxcvbn::Score;

use crate::{Error, IdentityConfig, PasswordAdvice, Result};

/// Longer ones are refused: hashing is made to be slow.
const MAX_LENGTH: usize = 1024;

/// Passwords that people type when they must type one, beyond those that zxcvbn knows; compared
/// without regard to case.
const COMMON: &str = include_str!("common_passwords.txt");

/// Why a password is too weak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeakPassword {
    /// What is wrong.
    pub reason: PasswordAdvice,
    /// What would make it better.
    pub suggestions: Vec<PasswordAdvice>,
}

impl WeakPassword {
    fn new(reason: PasswordAdvice) -> Self {
        Self {
            reason,
            suggestions: Vec::new(),
        }
    }

    fn suggest(mut self, suggestion: impl Into<PasswordAdvice>) -> Self {
        self.suggestions.push(suggestion.into());
        self
    }
}

impl std::fmt::Display for WeakPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason.sentence)?;
        for suggestion in &self.suggestions {
            write!(f, " {}", suggestion.sentence)?;
        }
        Ok(())
    }
}

/// Checks that a password is hard to guess, also for someone who knows `about_user`: name,
/// e-mail address and the like.
pub fn check_strength(
    password: &Secret,
    about_user: &[&str],
    min_length: usize,
) -> Result<(), WeakPassword> {
    let text = password.expose();
    let length = text.chars().count();
    if length < min_length {
        let sentence =
            format!("The password has {length} characters; it needs at least {min_length}.");
        return Err(WeakPassword::new(
            PasswordAdvice::new("too_short", sentence).limit(min_length),
        )
        .suggest(PasswordAdvice::new(
            "several_words",
            "Several words in a row are long and easy to remember.",
        )));
    }
    if text.len() > MAX_LENGTH {
        let sentence = format!("The password is longer than {MAX_LENGTH} bytes.");
        return Err(WeakPassword::new(
            PasswordAdvice::new("too_long", sentence).limit(MAX_LENGTH),
        ));
    }
    let folded = text.to_lowercase();
    let trimmed = folded.trim_matches(|c: char| c.is_ascii_punctuation());
    if COMMON
        .lines()
        .any(|common| common == folded || common == trimmed)
    {
        let sentence = "This is one of the passwords that are tried first.";
        return Err(
            WeakPassword::new(PasswordAdvice::new("common", sentence)).suggest(
                PasswordAdvice::new("unique", "Choose one that nobody else has."),
            ),
        );
    }
    let mut known: Vec<&str> = vec!["yunhai", "云海"];
    known.extend(about_user);
    let estimate = zxcvbn::zxcvbn(text, &known);
    if estimate.score() >= Score::Three {
        return Ok(());
    }
    let feedback = estimate.feedback();
    let warning = feedback.and_then(zxcvbn::feedback::Feedback::warning);
    let reason = warning.map_or_else(
        || PasswordAdvice::new("guessable", "This password is easy to guess."),
        PasswordAdvice::from,
    );
    let suggestions = feedback.map_or(&[][..], zxcvbn::feedback::Feedback::suggestions);
    Err(suggestions
        .iter()
        .fold(WeakPassword::new(reason), |weak, suggestion| {
            weak.suggest(*suggestion)
        }))
}

/// Whether a password was right, and whether its hash has outlived its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right { outdated: bool },
}

/// Hashes and verifies passwords with Argon2id, off the async threads and a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct PasswordHasher {
    params: Params,
    permits: Arc<Semaphore>,
    /// Verified when there is no user, so that the answer takes as long as with one.
    decoy: Arc<LazyLock<String, Box<dyn FnOnce() -> String + Send>>>,
}

impl PasswordHasher {
    pub(crate) fn new(config: &IdentityConfig) -> Result<Self> {
        let params = Params::new(
            config.password_memory_kib,
            config.password_iterations,
            1,
            None,
        )
        .map_err(|error| Error::Internal {
            action: "use the password settings",
            reason: error.to_string(),
        })?;
        let parallel = std::thread::available_parallelism().map_or(2, usize::from);
        let decoy_params = params.clone();
        Ok(Self {
            params,
            permits: Arc::new(Semaphore::new(parallel)),
            decoy: Arc::new(LazyLock::new(Box::new(move || {
                let random = yunhai_vault::random_token();
                hash(&decoy_params, &random)
                    .expect("the parameters were checked when they were read")
            }))),
        })
    }

    /// Hashes a password as a PHC string.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String> {
        let (params, password) = (self.params.clone(), password.clone());
        self.run(move || hash(&params, &password)).await
    }

    /// Verifies a password; without a hash it is wrong, after the same time.
    pub(crate) async fn verify(&self, password: &Secret, hash: Option<&str>) -> Result<Verdict> {
        let (params, password, decoy) = (
            self.params.clone(),
            password.clone(),
            Arc::clone(&self.decoy),
        );
        let hash = hash.map(ToOwned::to_owned);
        self.run(move || {
            // Made in either case, or the very first one without a user would take longer.
            let decoy = (**decoy).as_str();
            let stored = hash.as_deref().unwrap_or(decoy);
            let parsed = PasswordHash::new(stored).map_err(|error| Error::Internal {
                action: "read a stored password hash",
                reason: error.to_string(),
            })?;
            // What is too long was never accepted, and shall not be hashed either.
            let is_right = password.expose().len() <= MAX_LENGTH
                && argon(&params)
                    .verify_password(password.expose().as_bytes(), &parsed)
                    .is_ok();
            if !is_right || hash.is_none() {
                return Ok(Verdict::Wrong);
            }
            let outdated = Params::try_from(&parsed).map_or(true, |stored| {
                stored.m_cost() != params.m_cost()
                    || stored.t_cost() != params.t_cost()
                    || stored.p_cost() != params.p_cost()
            });
            Ok(Verdict::Right { outdated })
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || {
            // The permit goes when the work is done, even if the caller has left.
            let _permit = permit;
            work()
        })
        .await
        .map_err(|error| Error::Internal {
            action: "hash a password",
            reason: error.to_string(),
        })?
    }
}

fn argon(params: &Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
}

fn hash(params: &Params, password: &Secret) -> Result<String> {
    let hash: PasswordHash = argon(params)
        .hash_password(password.expose().as_bytes())
        .map_err(|error| Error::Internal {
            action: "hash a password",
            reason: error.to_string(),
        })?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(iterations: u32) -> IdentityConfig {
        IdentityConfig {
            password_memory_kib: 64,
            password_iterations: iterations,
            ..IdentityConfig::default()
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_and_outdated_when_the_parameters_change() {
        let hasher = PasswordHasher::new(&config(1)).unwrap();
        let password = Secret::new("correct horse");
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let right = |outdated| Verdict::Right { outdated };
        assert_eq!(
            hasher.verify(&password, Some(&hash)).await.unwrap(),
            right(false)
        );
        let slower = PasswordHasher::new(&config(2)).unwrap();
        assert_eq!(
            slower.verify(&password, Some(&hash)).await.unwrap(),
            right(true)
        );
        let wrong = Secret::new("wrong horse");
        assert_eq!(
            hasher.verify(&wrong, Some(&hash)).await.unwrap(),
            Verdict::Wrong
        );
        assert_eq!(
            hasher.verify(&password, None).await.unwrap(),
            Verdict::Wrong
        );
    }

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        let check =
            |text: &str| check_strength(&Secret::new(text), &["wanglei", "wang@example.com"], 10);
        for (text, code) in [
            ("short", "too_short"),
            ("1234567890", "common"),
            ("Woaini1314!", "common"),
            ("wanglei2024", "guessable"),
            ("aaaaaaaaaaaa", "repeated_character"),
            ("yunhaiyunhai", "repeated_pattern"),
            (&"x".repeat(2000), "too_long"),
        ] {
            let weak = check(text).unwrap_err();
            assert_eq!(weak.reason.code, code, "{text}: {weak}");
            assert!(weak.reason.sentence.ends_with('.'), "{weak}");
        }
        check("violet-tractor-mends-glass").unwrap();
        check("晨雾里的旧船票与灯塔").unwrap();
    }
}
