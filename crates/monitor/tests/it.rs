//! Alerting over real databases.

mod it {
    mod alerting;
    mod channels;
    mod kill;
    mod rules;
    mod support;
}
