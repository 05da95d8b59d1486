//! The real RabbitMQ of the tests. `make test` starts it and names it in the environment.

/// Where the broker is.
#[derive(Debug, Clone)]
pub struct Broker {
    /// For AMQP, e.g., `amqp://127.0.0.1:26720/%2f`.
    pub amqp_url: String,
    /// The management API, e.g., `http://127.0.0.1:26721`.
    pub management_url: String,
}

/// The broker of this test run. Without one the caller must skip, loudly: this prints the reason and
/// returns `None`, or fails the test where the environment says `CI`.
#[expect(clippy::print_stderr, reason = "a skipped test has to be seen")]
pub fn broker(test: &str) -> Option<Broker> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let found = variable("CE_TEST_AMQP_URL").zip(variable("CE_TEST_MANAGEMENT_URL"));
    if let Some((amqp_url, management_url)) = found {
        return Some(Broker { amqp_url, management_url });
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{test}: no broker, and CI must not skip: run `make test`, or start scripts/rabbitmq.sh"
    );
    eprintln!("SKIPPED {test}: no broker; run `make test`, or start scripts/rabbitmq.sh");
    None
}
