/// The version of this program, as `--version` and the status tables show it.
package enum DDBVersion {
    /// Major, minor and patch, as in semantic versioning.
    package static let text = "0.1.0"
}
