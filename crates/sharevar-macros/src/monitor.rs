//! `#[derive(Monitor)]`: a struct's fields by name.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Fields, Result};

/// The implementation of `sharevar::Fields` for the struct.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "only a struct can be a monitor's state; put the enum or union into a field of one",
        ));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(
            &input.ident,
            "the fields of a monitor are stored by name; give this struct named fields",
        ));
    };
    let fields: Vec<_> = fields.named.iter().filter_map(|field| field.ident.as_ref()).collect();
    let names: Vec<_> = fields.iter().map(|field| field.unraw().to_string()).collect();
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #parameters ::sharevar::Fields for #name #arguments #bounds {
            fn load(fields: &mut ::sharevar::Loading<'_>) -> ::sharevar::Result<Self> {
                ::core::result::Result::Ok(Self { #(#fields: fields.field(#names)?,)* })
            }

            fn store(&self, fields: &mut ::sharevar::Storing<'_>) -> ::sharevar::Result<()> {
                #(fields.field(#names, &self.#fields)?;)*
                ::core::result::Result::Ok(())
            }
        }
    })
}
