//! As much of JSON Schema (draft 2020-12) as `schemas/` uses, so that tests can hold what goes over the wire against it
//! without a large dependency. A keyword that is not known here is a panic, not a pass; `pattern` and `format` are not
//! looked at.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used)] // a schema that is wrong ends the test

use std::path::Path;

use serde_json::Value as Json;

/// A schema of `schemas/`.
pub struct Schema(Json);

impl Schema {
    /// Reads `schemas/<name>.schema.json`.
    pub fn named(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{name}.schema.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
        Self(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}")))
    }

    /// The schema itself.
    pub fn json(&self) -> &Json {
        &self.0
    }

    /// What is wrong with the document, each with its place; empty if nothing is.
    pub fn problems(&self, document: &Json) -> Vec<String> {
        let mut problems = Vec::new();
        self.check(&self.0, document, "", &mut problems);
        problems
    }

    fn holds(&self, schema: &Json, value: &Json) -> bool {
        let mut problems = Vec::new();
        self.check(schema, value, "", &mut problems);
        problems.is_empty()
    }

    fn check(&self, schema: &Json, value: &Json, at: &str, problems: &mut Vec<String>) {
        let keywords = match schema {
            Json::Bool(true) => return,
            Json::Bool(false) => return problems.push(format!("{at}: not allowed")),
            Json::Object(keywords) => keywords,
            _ => panic!("{at}: a schema is an object or a boolean"),
        };
        for (keyword, rule) in keywords {
            let mut demand = |is_right: bool| {
                if !is_right {
                    problems.push(format!("{at}: {keyword} {rule} does not allow {value}"));
                }
            };
            match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" | "examples" | "default" | "pattern"
                | "format" => {}
                "type" => demand(match rule {
                    Json::Array(types) => types.iter().any(|t| is_a(value, t)),
                    one => is_a(value, one),
                }),
                "enum" => demand(array(rule).contains(value)),
                "const" => demand(rule == value),
                "not" => demand(!self.holds(rule, value)),
                "anyOf" => demand(array(rule).iter().any(|schema| self.holds(schema, value))),
                "minimum" => demand(value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap())),
                "maximum" => demand(value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap())),
                "minLength" => {
                    demand(value.as_str().is_none_or(|s| s.chars().count() as u64 >= rule.as_u64().unwrap()));
                }
                "minItems" => demand(value.as_array().is_none_or(|a| a.len() as u64 >= rule.as_u64().unwrap())),
                "required" => {
                    let has = |name: &Json| value.get(name.as_str().unwrap()).is_some();
                    demand(!value.is_object() || array(rule).iter().all(has));
                }
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').expect("references stay in the file");
                    let target = self.0.pointer(pointer).unwrap_or_else(|| panic!("{at}: {rule} leads nowhere"));
                    self.check(target, value, at, problems);
                }
                "items" => {
                    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{i}"), problems);
                    }
                }
                "properties" => {
                    for (name, schema) in rule.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.check(schema, member, &format!("{at}/{name}"), problems);
                        }
                    }
                }
                "additionalProperties" => {
                    for (name, member) in value.as_object().into_iter().flatten() {
                        if keywords.get("properties").is_none_or(|p| p.get(name).is_none()) {
                            self.check(rule, member, &format!("{at}/{name}"), problems);
                        }
                    }
                }
                _ => panic!("{at}: the keyword {keyword} is not known here"),
            }
        }
    }
}

fn array(rule: &Json) -> &Vec<Json> {
    rule.as_array().expect("an array of rules")
}

fn is_a(value: &Json, name: &Json) -> bool {
    match name.as_str().expect("the name of a type") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
