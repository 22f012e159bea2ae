# The recipes that people type; `just` lists them.

_default:
    @just --list

# The whole product on this machine, against a simulated Slack and Fivetran
demo:
    cargo run -- demo

# All tests; on PostgreSQL too, where one answers on 127.0.0.1:5432
test:
    cargo test

# What has to pass before a change lands
ci:
    .ci/run

# Writes the golden Slack messages anew; look at the diff
goldens:
    UPDATE_GOLDEN=1 cargo test --lib slack::
    git diff --stat tests/data/golden

# How fast a signed command is made durable and acknowledged; trust the ratio, not the figures
bench:
    cargo bench --bench ack
