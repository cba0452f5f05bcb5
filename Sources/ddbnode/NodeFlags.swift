import ArgumentParser
import NodeConfig

/// The flags that stand for settings. They are texts here: what is wrong with them is reported together with the file's problems.
struct NodeFlags: ParsableArguments {
    @Option(help: "master takes writes; slave follows a master; witness votes and holds no data.")
    var role: String?

    @Option(help: ArgumentHelp("The master to follow (slave and witness).", valueName: "host:port"))
    var master: String?

    @Option(help: ArgumentHelp("Where clients and other nodes connect (default: 127.0.0.1:7001).", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("The node's folder.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("The node's number in the cluster, 1 to 254.", valueName: "n"))
    var id: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical (default: notice).", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("text or json (default: text).", valueName: "format"))
    var logFormat: String?

    var flags: Flags {
        var flags = Flags()
        flags.role = role
        flags.master = master
        flags.listen = listen
        flags.data = data
        flags.id = id
        flags.logLevel = logLevel
        flags.logFormat = logFormat
        return flags
    }
}
