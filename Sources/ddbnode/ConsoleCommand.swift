import ArgumentParser
import ClusterModel
import Console
import NodeConfig

/// `ddbnode console [host:port]`: SQL to a node, from a terminal or a script.
struct ConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Talk SQL to a running node.",
        discussion: """
            Without -e, statements are read from the terminal, or from standard input when that is a pipe or a file. \
            Those of -e and of a pipe or a file end at the first that fails, unless --force is given. \
            Exits with 1 when a statement failed or the node can't be reached.
            """)

    @Argument(help: ArgumentHelp("The node (default: 127.0.0.1:7001).", valueName: "host:port"), transform: readAddress)
    var address: NodeAddress?

    @Option(name: .customShort("e"), parsing: .unconditionalSingleValue, help: ArgumentHelp("Run this and end; may be repeated.", valueName: "sql"))
    var statements: [String] = []

    @Option(
        help: ArgumentHelp("table, tsv, json or vertical (default: table on a terminal, else tsv).", valueName: "format"), transform: readFormat)
    var format: OutputFormat?

    @Flag(help: "Go on after a statement that failed; the exit code is 1 all the same.")
    var force = false

    @Option(help: "The MariaDB account to log in as, where the node asks for one.")
    var user: String?

    @Option(help: ArgumentHelp("A file with the account's password, which only its owner may open.", valueName: "file"))
    var passwordFile: String?

    func validate() throws {
        if passwordFile != nil, user == nil { throw ValidationError("--password-file goes with --user.") }
    }

    func run() throws {
        var options = ConsoleOptions(address: address ?? NodeAddress(host: "127.0.0.1", port: 7001))
        options.statements = statements
        options.format = format
        options.goesOn = force
        options.user = user
        options.password = try passwordFile.map(readPassword)
        throw ExitStatus.ended(runConsole(options))
    }
}

func readAddress(_ text: String) throws -> NodeAddress {
    guard let address = NodeAddress(text), address.port > 0 else { throw ValidationError("must be host:port, is \"\(text)\".") }
    return address
}

private func readFormat(_ text: String) throws -> OutputFormat {
    guard let format = OutputFormat(rawValue: text) else { throw ValidationError("must be table, tsv, json or vertical, is \"\(text)\".") }
    return format
}

func readPassword(from path: String) throws -> String {
    do throws(SecretFile.Refusal) {
        let secret = try SecretFile.read(path)
        guard let password = String(validating: secret.bytes, as: UTF8.self) else {
            throw SecretFile.Refusal(description: "\(path) is not UTF-8")
        }
        return password
    } catch {
        printError("--password-file: \(error)")
        throw ExitStatus.misuse
    }
}
