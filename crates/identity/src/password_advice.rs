//! What is said about a weak password: a stable code for programs and translations, and a sentence.

use zxcvbn::feedback::{Suggestion, Warning};

/// A weakness of a password, or a way to a better one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordAdvice {
    /// The stable code; [`password_advice_codes`] lists all.
    pub code: &'static str,
    /// The same as a sentence.
    pub sentence: String,
    /// The number in the sentence, where there is one.
    pub limit: Option<usize>,
}

impl PasswordAdvice {
    pub(crate) fn new(code: &'static str, sentence: impl Into<String>) -> Self {
        debug_assert!(OWN_CODES.contains(&code));
        Self {
            code,
            sentence: sentence.into(),
            limit: None,
        }
    }

    pub(crate) fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// The codes of what is checked here, beyond what zxcvbn finds.
const OWN_CODES: &[&str] = &[
    "too_short",
    "too_long",
    "common",
    "guessable",
    "several_words",
    "unique",
];

macro_rules! advice_of_zxcvbn {
    ($kind:ident, $codes:ident: $($name:ident $code:literal,)*) => {
        const $codes: &[&str] = &[$($code,)*];

        impl From<$kind> for PasswordAdvice {
            fn from(advice: $kind) -> Self {
                let code = match advice {
                    $($kind::$name => $code,)*
                };
                Self { code, sentence: advice.to_string(), limit: None }
            }
        }
    };
}

advice_of_zxcvbn! {
    Warning, WARNING_CODES:
    StraightRowsOfKeysAreEasyToGuess "keyboard_row",
    ShortKeyboardPatternsAreEasyToGuess "keyboard_pattern",
    RepeatsLikeAaaAreEasyToGuess "repeated_character",
    RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess "repeated_pattern",
    ThisIsATop10Password "top_10",
    ThisIsATop100Password "top_100",
    ThisIsACommonPassword "very_common",
    ThisIsSimilarToACommonlyUsedPassword "similar_to_common",
    SequencesLikeAbcAreEasyToGuess "sequence",
    RecentYearsAreEasyToGuess "recent_year",
    AWordByItselfIsEasyToGuess "single_word",
    DatesAreOftenEasyToGuess "date",
    NamesAndSurnamesByThemselvesAreEasyToGuess "name",
    CommonNamesAndSurnamesAreEasyToGuess "common_name",
}

advice_of_zxcvbn! {
    Suggestion, SUGGESTION_CODES:
    UseAFewWordsAvoidCommonPhrases "few_words",
    NoNeedForSymbolsDigitsOrUppercaseLetters "no_symbols_needed",
    AddAnotherWordOrTwo "add_words",
    CapitalizationDoesntHelpVeryMuch "capitals_help_little",
    AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase "all_capitals_help_little",
    ReversedWordsArentMuchHarderToGuess "reversal_helps_little",
    PredictableSubstitutionsDontHelpVeryMuch "substitutions_help_little",
    UseALongerKeyboardPatternWithMoreTurns "longer_keyboard_pattern",
    AvoidRepeatedWordsAndCharacters "avoid_repeats",
    AvoidSequences "avoid_sequences",
    AvoidRecentYears "avoid_recent_years",
    AvoidYearsThatAreAssociatedWithYou "avoid_own_years",
    AvoidDatesAndYearsThatAreAssociatedWithYou "avoid_own_dates",
}

/// Lists every code of an advice.
pub fn password_advice_codes() -> impl Iterator<Item = &'static str> {
    [OWN_CODES, WARNING_CODES, SUGGESTION_CODES]
        .into_iter()
        .flatten()
        .copied()
}
