//! svckit recipe.
