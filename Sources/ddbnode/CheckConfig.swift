import ArgumentParser
import NodeConfig

/// `ddbnode check-config FILE`: says what is wrong with a file, or what it comes to.
struct CheckConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Check a configuration file and show the settings it comes to.",
        discussion: """
            Starts nothing. Problems go to standard error, all at once, with exit code 2. Flags count as they would for the node itself: \
            a file without a role is checked for a slave with --role slave --master host:port.
            """)

    @Argument(help: "The file to check.")
    var file: String

    @OptionGroup var node: NodeFlags

    func run() throws {
        let settings = try loadSettings(file: file, flags: node.flags)
        for warning in settings.warnings { printError("warning: \(warning)") }
        print("\(file): ok\n\n\(settings.summary)")
    }
}
