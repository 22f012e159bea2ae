//! Every request that we can send, held against Fivetran's own description.

use crate::openapi::Spec;

#[test]
fn every_request_is_one_that_fivetran_describes() {
    let Some(spec) = Spec::load() else { return };
    let requests = syncgate::fivetran::sample_requests();
    assert!(
        requests.len() > 8,
        "every action and every reading has a sample"
    );
    for request in requests {
        let path = request.path.split('?').next().unwrap_or_default();
        if let Err(why) = spec.check_request(request.method, path, &request.body) {
            panic!("{} {}: {why}", request.method, request.path);
        }
    }
}
