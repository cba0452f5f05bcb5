import ArgumentParser
import Glibc
import LoadGeneratorCore

/// `loadgen free-port`: for a server that must be told its port.
struct FreePortCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "free-port", abstract: "Print a port of 127.0.0.1 that nobody listens on.")

    func run() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure.ofCall("socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw Failure.ofCall("bind") }
        print(UInt16(bigEndian: address.sin_port))
    }
}

/// `loadgen summarize`: the tables of a benchmark.
struct SummarizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summarize", abstract: "Make tables of measurements read from standard input, a line an item (see Measurements.swift).")

    @Flag(help: "As JSON; otherwise as Markdown.") var json = false

    /// Far more than a benchmark comes to.
    private static let linesMax = 100_000

    func run() throws {
        var text = ""
        for _ in 0..<Self.linesMax {
            guard let line = readLine(strippingNewline: false) else { break }
            text += line
        }
        do throws(Measurements.Unreadable) {
            let table = ResultTable(try Measurements(text))
            print(json ? table.json : table.markdown, terminator: "")
        } catch {
            throw Failure("can't read the line: \(error.line)")
        }
    }
}
