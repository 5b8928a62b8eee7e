//! The fields of a form, checked.

use facenet::Face;
use serde::{Deserialize, Serialize};
use wire::{Kind, Problem};

/// The fields that our routes know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    /// The person's name.
    pub name: Option<String>,
    /// `true` where the person has consented.
    pub consent: Option<String>,
    /// The delete token that the caller has made for a new person.
    pub delete_token: Option<String>,
    /// The picture.
    #[serde(skip)]
    pub image: Option<Face>,
    /// The picture to compare with.
    #[serde(skip)]
    pub other: Option<Face>,
}

/// The value of a field that the route needs.
///
/// # Errors
/// 422 when the form does not have it.
pub fn required<T>(field: Option<T>, name: &str) -> Result<T, Problem> {
    field.ok_or_else(|| {
        Problem::new(Kind::Unusable, format!("The form has no field `{name}`. Add it."))
    })
}
