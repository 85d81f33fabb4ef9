//! Which resource a request means.

use super::Fields;
use crate::read::Target;

impl Fields {
    /// The resource that a request is about: `resource_id`, or `resource_external_id` with `resource_type_slug`.
    pub fn target(&mut self) -> Option<Target> {
        let names = ["resource_id", "resource_external_id", "resource_type_slug"];
        let target = self.target_named(names);
        if target.is_none() && self.errors.is_empty() {
            let message = "give resource_id, or resource_external_id with resource_type_slug";
            self.wrong("resource_id", "required", message);
        }
        target
    }

    /// The same, where it may be left out.
    pub fn optional_target(&mut self) -> Option<Target> {
        self.target_named(["resource_id", "resource_external_id", "resource_type_slug"])
    }

    /// What a resource is to be under, if the request says.
    pub fn parent(&mut self) -> Option<Target> {
        self.target_named([
            "parent_resource_id",
            "parent_resource_external_id",
            "parent_resource_type_slug",
        ])
    }

    /// One of two ways to name a resource: never both, never half of the second.
    pub fn target_named(&mut self, [id, external_id, resource_type]: [&str; 3]) -> Option<Target> {
        let given = [self.text(id), self.text(external_id), self.text(resource_type)];
        match given {
            [None, None, None] => None,
            [Some(id), None, None] => Some(Target::Id(id)),
            [None, Some(external_id), Some(resource_type)] => Some(Target::External {
                resource_type,
                external_id,
            }),
            [Some(_), _, _] => {
                let message = format!("give {id}, or {external_id} with {resource_type}, not both");
                self.wrong(id, "mutually_exclusive", message);
                None
            }
            [None, None, Some(_)] => {
                self.wrong(
                    external_id,
                    "required",
                    format!("{resource_type} needs {external_id}"),
                );
                None
            }
            [None, Some(_), None] => {
                self.wrong(
                    resource_type,
                    "required",
                    format!("{external_id} needs {resource_type}"),
                );
                None
            }
        }
    }
}
