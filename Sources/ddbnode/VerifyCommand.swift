import ArgumentParser
import ClusterModel
import Console
import LineProtocol

/// `ddbnode verify host:port [database[.table]]`: whether all nodes hold the same.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare every node's tables with the master's, row by row, while all go on.",
        discussion: """
            The node asks all the others; which one it is does not matter. The result goes to standard output, a line a table and node; \
            a summary, and on a terminal how far it is, to standard error. Ending this command ends the verification.

            EXIT CODES:
              0  nothing differs, and all could be compared but what can't be by its nature (skipped: tables without transactions, sequences)
              1  something differs
              2  wrong command line
              3  nothing differs in what was compared, but a node or a table could not be
            """)

    @Argument(help: ArgumentHelp("The node.", valueName: "host:port"), transform: readAddress)
    var address: NodeAddress

    @Argument(help: ArgumentHelp("Compare only this (default: everything).", valueName: "database[.table]"), transform: readScope)
    var scope: VerifyScope?

    @Option(help: ArgumentHelp("table, tsv or vertical (default: table on a terminal, else tsv).", valueName: "format"), transform: readTextFormat)
    var format: OutputFormat?

    @Option(help: "The MariaDB account to log in as, where the node asks for one.")
    var user: String?

    @Option(help: ArgumentHelp("A file with the account's password, which only its owner may open.", valueName: "file"))
    var passwordFile: String?

    func validate() throws {
        if (passwordFile == nil) != (user == nil) { throw ValidationError("--user and --password-file go together.") }
    }

    func run() throws {
        var options = VerifyOptions(address: address, scope: scope ?? .all, format: format, user: user)
        if let passwordFile { options.password = try readPassword(from: passwordFile) }
        throw ExitStatus.ended(runVerify(options))
    }
}

private func readScope(_ text: String) throws -> VerifyScope {
    guard let scope = VerifyScope(text) else { throw ValidationError("must be database or database.table, is \"\(text)\".") }
    return scope
}

private func readTextFormat(_ text: String) throws -> OutputFormat {
    guard let format = OutputFormat(rawValue: text), format != .json else { throw ValidationError("must be table, tsv or vertical, is \"\(text)\".") }
    return format
}
