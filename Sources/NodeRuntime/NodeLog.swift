package import Logging
import Synchronization

/// The node's log: one line an event, to standard error; `key=value` pairs or JSON.
package struct NodeLog: Sendable {
    package typealias Fields = KeyValuePairs<String, String>

    private let logger: Logger

    /// The level counts for all of the process, so that a reload changes it everywhere at once.
    package init(level: Logger.Level, json: Bool) {
        logger = Logger(label: "ddbnode", factory: { _ in LineLogHandler(json: json) })
        Self.setLevel(level)
        LogWriter.standardError.tellDropped { count in
            LineLogHandler.line(json: json, .warning, "log lines were dropped: standard error was not read", [("count", "\(count)")])
        }
    }

    package static func setLevel(_ level: Logger.Level) {
        LineLogHandler.level.store(Logger.Level.allCases.firstIndex(of: level) ?? 0, ordering: .relaxed)
    }

    package func debug(_ words: @autoclosure () -> String, _ fields: Fields = [:]) { log(.debug, words(), fields) }
    package func info(_ words: @autoclosure () -> String, _ fields: Fields = [:]) { log(.info, words(), fields) }
    package func notice(_ words: @autoclosure () -> String, _ fields: Fields = [:]) { log(.notice, words(), fields) }
    package func warning(_ words: @autoclosure () -> String, _ fields: Fields = [:]) { log(.warning, words(), fields) }
    package func error(_ words: @autoclosure () -> String, _ fields: Fields = [:]) { log(.error, words(), fields) }

    private func log(_ level: Logger.Level, _ words: @autoclosure () -> String, _ fields: Fields) {
        guard LineLogHandler.isOn(level) else { return }
        var metadata = Logger.Metadata()
        for (key, value) in fields { metadata[key] = .string(value) }
        logger.log(level: level, "\(words())", metadata: metadata)
    }
}

/// Makes a line of each event, for the writer of standard error.
struct LineLogHandler: LogHandler {
    static let level = Atomic<Int>(0)

    let json: Bool
    var metadata: Logger.Metadata = [:]
    /// The process-wide level decides; this one lets everything pass.
    var logLevel: Logger.Level = .trace

    init(json: Bool) { self.json = json }

    static func isOn(_ level: Logger.Level) -> Bool {
        (Logger.Level.allCases.firstIndex(of: level) ?? 0) >= Self.level.load(ordering: .relaxed)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        if let more = event.metadata { fields.merge(more) { $1 } }
        let pairs = fields.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        LogWriter.standardError.write(Self.line(json: json, event.level, event.message.description, pairs))
    }

    static func line(json: Bool, _ level: Logger.Level, _ words: String, _ pairs: [(String, String)]) -> [UInt8] {
        let all = [("time", WallClock.text()), ("level", "\(level)"), ("msg", words)] + pairs
        return Array(((json ? Self.json(all) : text(all)) + "\n").utf8)
    }

    private static func text(_ all: [(String, String)]) -> String { all.map { $0.0 + "=" + quoted($0.1) }.joined(separator: " ") }

    private static func json(_ all: [(String, String)]) -> String {
        "{" + all.map { escaped($0.0) + ":" + escaped($0.1) }.joined(separator: ",") + "}"
    }

    /// Bare where nothing in it needs quotes.
    private static func quoted(_ text: String) -> String {
        let bare = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3d && $0 != 0x7f }
        return bare ? text : escaped(text)
    }

    private static func escaped(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
