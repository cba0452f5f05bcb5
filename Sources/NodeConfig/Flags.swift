/// The settings that the command line gives, as typed: they are checked like those of the file, and win over them.
package struct Flags: Sendable, Equatable {
    /// `--role`
    package var role: String?
    /// `--master`
    package var master: String?
    /// `--listen`
    package var listen: String?
    /// `--data`
    package var data: String?
    /// `--id`
    package var id: String?
    /// `--log-level`
    package var logLevel: String?
    /// `--log-format`
    package var logFormat: String?

    /// No flag given.
    package init() {}
}
