//! Conversion to the JSON of Kafka's own converters.

use super::field::{Condition, differs, when};
use super::structure::{Structure, version_parameter};
use crate::names;
use crate::schema::{Field, Type};

/// The converter of a struct.
pub(super) fn converter(structure: &Structure<'_>) -> String {
    let mut body = String::new();
    for field in structure.fields {
        let insert = format!(
            "object.insert({:?}.to_owned(), {});\n",
            names::json(&field.name),
            value(field)
        );
        body.push_str(&when(&Condition::of(field.untagged(), structure.versions), &insert));
        body.push_str(&when(
            &Condition::of(field.tagged(), structure.versions).and(&differs(field)),
            &insert,
        ));
    }
    let mutable = if body.is_empty() { "" } else { "mut " };
    let version = version_parameter(&body);
    format!(
        "#[cfg(feature = \"json\")]\nimpl ToJson for {} {{\n fn to_json(&self, {version}: i16) -> serde_json::Value {{\n let {mutable}object = serde_json::Map::new();\n{body} serde_json::Value::Object(object)\n}}\n}}\n\n",
        structure.name
    )
}

fn value(field: &Field) -> String {
    let name = format!("self.{}", names::field(&field.name));
    if !field.is_optional() {
        return match &field.ty {
            Type::String => format!("{name}.as_str().into()"),
            Type::Array(element) => array(&name, element),
            other => plain(&name, other),
        };
    }
    match &field.ty {
        Type::String => format!("{name}.as_deref().into()"),
        Type::Array(element) => format!(
            "{name}.as_ref().map_or(serde_json::Value::Null, |values| {})",
            array("values", element)
        ),
        Type::Records => {
            format!("{name}.as_ref().map_or(serde_json::Value::Null, |_| \"\".into())")
        }
        other => format!(
            "{name}.as_ref().map_or(serde_json::Value::Null, |value| {})",
            plain("value", other)
        ),
    }
}

fn plain(name: &str, ty: &Type) -> String {
    match ty {
        Type::Uuid => format!("{name}.to_string().into()"),
        Type::Bytes => format!("bytes_to_json(&{name})").replace("&value", "value"),
        Type::Float64 => format!("double_to_json({name})"),
        Type::Struct(_) => format!("{name}.to_json(version)"),
        _ => format!("{name}.into()"),
    }
}

fn array(name: &str, element: &Type) -> String {
    let each = match element {
        Type::String => "element.as_str().into()".to_owned(),
        Type::Bytes => "bytes_to_json(element)".to_owned(),
        Type::Struct(_) => "element.to_json(version)".to_owned(),
        Type::Uuid => "element.to_string().into()".to_owned(),
        _ => "(*element).into()".to_owned(),
    };
    format!("{name}.iter().map(|element| -> serde_json::Value {{ {each} }}).collect()")
}
