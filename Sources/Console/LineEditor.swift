@preconcurrency import CEdit
import Glibc

/// Lines typed at a terminal, with editing, completion and a history. There is one terminal, so there is one editor at a time.
struct LineEditor {
    private static let historyMax: Int32 = 1000

    private let historyPath: String?

    /// `leavesSignalsAlone`: Ctrl-C is the business of the process the console lives in.
    init(leavesSignalsAlone: Bool) {
        // Without a UTF-8 locale the editor would cut characters into bytes.
        setlocale(LC_CTYPE, "")
        if String(cString: nl_langinfo(Int32(CODESET))) != "UTF-8" { setlocale(LC_CTYPE, "C.UTF-8") }
        if leavesSignalsAlone {
            rl_catch_signals = 0
            restoreTerminalAtExit()
        }
        rl_attempted_completion_function = completeWord
        using_history()
        stifle_history(Self.historyMax)
        historyPath = getenv("HOME").map { String(cString: $0) + "/.ddbnode_history" }
        if let historyPath { read_history(historyPath) }
    }

    /// Nil at the end of input, which Ctrl-D on an empty line is.
    func readLine(prompt: String) -> [UInt8]? {
        guard let line = readline(prompt) else { return nil }
        defer { free(line) }
        return Array(UnsafeRawBufferPointer(start: line, count: strlen(line)))
    }

    /// Keeps a statement for arrow-up, now and in later consoles, but never one that may hold a password.
    func remember(_ statement: [UInt8]) {
        let text = String(decoding: statement, as: UTF8.self)
        guard !HistoryRule.mayHoldSecret(text), !text.isEmpty, text.utf8.count <= 64 << 10 else { return }
        add_history(text)
        guard let historyPath else { return }
        // Made before it is written, so that nobody else ever can read it.
        let descriptor = open(historyPath, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        fchmod(descriptor, 0o600)
        close(descriptor)
        write_history(historyPath)
    }
}

enum HistoryRule {
    /// Whether a statement may hold a password in the clear.
    static func mayHoldSecret(_ statement: String) -> Bool {
        let text = statement.lowercased()
        return text.hasPrefix(".auth") || text.contains("password") || text.contains("identified")
    }
}

// The editor leaves the terminal raw while it waits, and a node that is told to stop ends meanwhile, on another thread.
nonisolated(unsafe) private var terminalAtStart = termios()

private func restoreTerminalAtExit() {
    guard tcgetattr(0, &terminalAtStart) == 0 else { return }
    atexit { tcsetattr(0, TCSANOW, &terminalAtStart) }
}

// libedit asks for the candidates one by one, through plain C functions; it calls them on the editor's thread only.
nonisolated(unsafe) private var candidates: [String] = []

private func completeWord(_ word: UnsafePointer<CChar>?, _ start: Int32, _ end: Int32) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
    // Not the names of files.
    rl_attempted_completion_over = 1
    guard let word else { return nil }
    candidates = Completion.candidates(for: String(cString: word), atLineStart: start == 0)
    return rl_completion_matches(word) { _, index in
        index < candidates.count ? strdup(candidates[Int(index)]) : nil
    }
}
