//! The fields of a form, checked.

use serde::{Deserialize, Serialize};
use wire::{Kind, Problem};

use crate::seen::Pictured;

/// The fields that our routes know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    /// The person's name.
    pub name: Option<String>,
    /// `true` where the person has consented.
    pub consent: Option<String>,
    /// The delete token that the caller has made for a new person.
    pub delete_token: Option<String>,
    /// `true` where the pictures are photographs.
    pub detect: Option<String>,
    /// How many pictures there are in fields `image`.
    pub images: usize,
    /// The one of them that [`Reading::image`](crate::seen::Reading::image) asks for.
    #[serde(skip)]
    pub image: Option<Pictured>,
    /// The picture to compare with.
    #[serde(skip)]
    pub other: Option<Pictured>,
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
