//! Fivetran's published OpenAPI description as a judge of requests and answers.
//!
//! The file lies beside the project, not in it. Where it is missing, the checks are left out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::beside::shared_text;

/// The description, ready to judge.
pub struct Spec {
    document: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Spec {
    /// The description, or none when it is not there and not demanded.
    pub fn load() -> Option<&'static Spec> {
        static SPEC: OnceLock<Option<Spec>> = OnceLock::new();
        SPEC.get_or_init(read).as_ref()
    }

    /// Whether a request's body is what this operation takes. `method` in any case, `path` with real ids.
    pub fn check_request(&self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        self.check_query(&operation, path)?;
        let pointer = format!("{operation}/requestBody/content/application~1json/schema");
        match self.document.pointer(&pointer) {
            Some(_) => self.judge(&pointer, body),
            None if body.is_null() => Ok(()),
            None => Err(format!("{method} {path} takes no body")),
        }
    }

    /// Whether the operation knows each parameter behind the `?`.
    fn check_query(&self, operation: &str, path: &str) -> Result<(), String> {
        let known = self.document.pointer(&format!("{operation}/parameters"));
        let known: Vec<&Value> = known
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        let query = path.split_once('?').map_or("", |(_, query)| query);
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !known
                .iter()
                .any(|p| p["in"] == "query" && p["name"] == *name)
            {
                return Err(format!("{path}: no parameter {name}"));
            }
        }
        Ok(())
    }

    /// Whether an answer's body is what this operation gives with this status.
    pub fn check_response(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        let response = format!("{operation}/responses/{status}");
        if self.document.pointer(&response).is_none() {
            return Err(format!("{method} {path} does not answer {status}"));
        }
        let pointer = format!("{response}/content/application~1json/schema");
        match self.document.pointer(&pointer) {
            Some(_) => self.judge(&pointer, body),
            // 406 and 415 are described without a body.
            None => Ok(()),
        }
    }

    /// The JSON pointer of the operation. Where two templates fit, the one with fewer parameters is meant.
    fn operation(&self, method: &str, path: &str) -> Result<String, String> {
        let method = method.to_lowercase();
        let path = path.split('?').next().unwrap_or_default();
        let paths = self.document["paths"]
            .as_object()
            .ok_or("the description has no paths")?;
        let fitting = paths.keys().filter(|template| fits(template, path));
        let template = fitting
            .min_by_key(|template| template.matches('{').count())
            .ok_or_else(|| format!("no such path: {path}"))?;
        if paths[template].get(&method).is_none() {
            return Err(format!("no such operation: {method} {template}"));
        }
        Ok(format!(
            "/paths/{}/{method}",
            template.replace('~', "~0").replace('/', "~1")
        ))
    }

    fn judge(&self, pointer: &str, body: &Value) -> Result<(), String> {
        let validator = self.validator(pointer)?;
        let complaints: Vec<String> = validator
            .iter_errors(body)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(complaints.join("\n"))
        }
    }

    fn validator(&self, pointer: &str) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().map_err(|e| e.to_string())?;
        if let Some(validator) = compiled.get(pointer) {
            return Ok(validator.clone());
        }
        // The whole document is the root, so that its references resolve as they stand. `{` is not allowed in a URI.
        let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
        let schema = json!({
            "components": self.document["components"],
            "paths": self.document["paths"],
            "allOf": [{"$ref": format!("#{fragment}")}],
        });
        let validator = Arc::new(jsonschema::draft7::new(&schema).map_err(|e| e.to_string())?);
        compiled.insert(pointer.to_owned(), validator.clone());
        Ok(validator)
    }
}

fn read() -> Option<Spec> {
    let text = shared_text("reference/fivetran-openapi-cut.json")?;
    let mut document: Value = serde_json::from_str(&text).unwrap();
    to_json_schema(&mut document);
    Some(Spec {
        document,
        compiled: Mutex::default(),
    })
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(w), Some(g)) if w == g || (w.starts_with('{') && !g.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Turns OpenAPI 3.0 schemas into JSON Schema: `nullable` becomes a choice with null. Fivetran's live answers also carry
/// null in optional fields that the description only calls strings, so every property that is not required may be null
/// in an answer. A request may hold no field that is not described: a misspelt one would do nothing.
fn to_json_schema(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        if name.contains("Response") {
            null_for_absent(schema);
        } else if name.contains("Request") {
            schema["additionalProperties"] = Value::Bool(false);
        }
    }
    nullable(document);
}

fn null_for_absent(schema: &mut Value) {
    let required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties {
        if !required.contains(&Value::from(name.as_str())) {
            let one = property.take();
            *property = json!({"anyOf": [one, {"type": "null"}]});
        }
    }
}

fn nullable(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(nullable);
            if map.remove("nullable") == Some(Value::Bool(true)) {
                let one = Value::Object(std::mem::take(map));
                *map = Map::from_iter([("anyOf".to_owned(), json!([one, {"type": "null"}]))]);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        _ => {}
    }
}
