import ArgumentParser
import ClusterModel
import Console
import Glibc
import NodeConfig
import NodeRuntime

/// `ddbnode --role …`: runs a node.
struct DDBNode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ddbnode",
        abstract: "Makes plain MariaDB servers one replicated database.",
        usage: """
            ddbnode --role master [<options>]
            ddbnode --role slave --master <host:port> [<options>]
            ddbnode --role witness --master <host:port> [<options>]
            ddbnode check-config <file>
            ddbnode console [<host:port>] [-e <sql>] ...
            ddbnode verify <host:port> [<database>[.<table>]]
            """,
        discussion: """
            EXAMPLES:
              ddbnode --role master                         a master on port 7001
              ddbnode --role slave --master 127.0.0.1:7001  a slave, next free port
              ddbnode --role witness --master 127.0.0.1:7001  the third vote for two nodes
              ddbnode --config /etc/ddbnode/node.json       everything from a file
              ddbnode console -e 'SHOW DATABASES'           ask the node on port 7001
              ddbnode verify 127.0.0.1:7001                 do all nodes hold the same?

            CONFIGURATION:
              Flags win over the file, the file over the defaults. No file is read
              unless --config names it. Docs/Configuration.md lists every key,
              node.json.example shows them.

            DATA:
              A node keeps its private MariaDB, its journal and its state in a folder
              of its own: ./ddbnode-data/node-<port>, unless --data or "data" in the
              file names another.

            SIGNALS:
              TERM, INT  let running statements end (for at most shutdown.drainMs),
                         then stop
              HUP        read the file again, take over what needs no restart

            EXIT CODES:
              0  ended as told
              1  failed while running
              2  wrong command line or configuration: nothing was started
              ddbnode verify has more: see ddbnode verify --help
            """,
        version: "ddbnode \(DDBVersion.text)",
        subcommands: [CheckConfig.self, ConsoleCommand.self, VerifyCommand.self])

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("Read the settings from this file.", valueName: "file"))
    var config: String?

    @Flag(help: "Don't open a console, even on a terminal.")
    var noConsole = false

    func run() throws {
        let (file, flags) = (config, node.flags)
        let settings = try loadSettings(file: file, flags: flags)
        let again: @Sendable () -> Result<NodeSettings, ConfigProblems> = { NodeSettings.load(file: file, flags: flags) }
        let wantsConsole = !noConsole && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        runNode(settings, reload: file == nil ? nil : again) { address in
            if wantsConsole { openConsole(address) }
        }
    }
}

/// Carries the options to the console's thread.
private final class Box: Sendable {
    let options: ConsoleOptions
    init(_ options: ConsoleOptions) { self.options = options }
}

/// The prompt of a node that runs in a terminal: on a thread of its own, since it waits for somebody to type.
private func openConsole(_ address: NodeAddress) {
    let options = Box(ConsoleOptions(address: address, insideNode: true))
    var thread = pthread_t()
    let started = pthread_create(
        &thread, nil,
        { argument in
            if let argument { _ = runConsole(Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().options) }
            return nil
        }, Unmanaged.passRetained(options).toOpaque())
    if started != 0 { LogWriter.standardError.write("ddbnode: no console: \(String(cString: strerror(started)))\n") }
}

/// The settings; when they are wrong, all that is wrong goes to standard error.
func loadSettings(file: String?, flags: Flags) throws(ExitStatus) -> NodeSettings {
    switch NodeSettings.load(file: file, flags: flags) {
    case .success(let settings):
        return settings
    case .failure(let problems):
        printError(problems.description)
        throw .misuse
    }
}
