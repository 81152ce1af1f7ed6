//! Requirement texts (PEP 508): name, extras, specifier or URL, marker.
