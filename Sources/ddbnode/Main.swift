import ArgumentParser
import Glibc

@main
enum Main {
    static func main() {
        // Whoever reads standard output may be gone before its end: a write then fails, which must not kill the node.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try DDBNode.parseAsRoot()
            try command.run()
        } catch let status as ExitStatus {
            exit(status.code)
        } catch {
            end(with: error)
        }
    }

    /// Help and version go to standard output; a wrong command line to standard error, with the usage and where to read more.
    private static func end(with error: any Error) -> Never {
        let words = DDBNode.fullMessage(for: error)
        if DDBNode.exitCode(for: error).isSuccess {
            print(words)
            exit(ExitStatus.success.code)
        }
        printError(words)
        exit(ExitStatus.misuse.code)
    }
}

/// How the program ends.
enum ExitStatus: Error {
    case success
    /// The command line or the configuration is wrong: nothing was started.
    case misuse
    /// A program within this one ended with its own code.
    case ended(Int32)

    var code: Int32 {
        switch self {
        case .success: 0
        case .misuse: 2
        case .ended(let code): code
        }
    }
}

/// Writes a line to standard error.
func printError(_ text: String) {
    var rest = Array((text + "\n").utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
