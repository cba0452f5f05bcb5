import ArgumentParser
import Glibc

/// `loadgen`: what the benchmark drives nodes and servers with.
struct LoadGenerator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loadgen",
        abstract: "Load for nodes and for MariaDB servers, in the same loop over either protocol. Talks to this machine only.",
        discussion: """
            Every run is bounded in time. Figures go to standard output, a line each or as one line of JSON.

            EXIT CODES: 0 all went well, 1 something failed (the figures tell what), 2 wrong command line
            """,
        subcommands: [
            RunCommand.self, IdleCommand.self, ChurnCommand.self, VisibleCommand.self, AwaitCommand.self, StallCommand.self,
            StatementCommand.self, TransactionCommand.self, FreePortCommand.self, SummarizeCommand.self,
        ])
}

@main
enum Main {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try LoadGenerator.parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            printError("loadgen: \(failure.words)")
            exit(1)
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        let isWanted = LoadGenerator.exitCode(for: error).isSuccess
        let words = LoadGenerator.fullMessage(for: error)
        if isWanted { print(words) } else { printError(words) }
        exit(isWanted ? 0 : 2)
    }
}

/// What ends a run early, in words.
struct Failure: Error {
    let words: String

    init(_ words: String) { self.words = words }

    /// `call` failed just now.
    static func ofCall(_ call: String) -> Failure { Failure("\(call): \(String(cString: strerror(errno)))") }
}

func printError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    // Nobody is left to be told if this fails.
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
