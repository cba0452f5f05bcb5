import ArgumentParser
import CampaignHarness
import Glibc
import SuiteCore

/// `suite`: MariaDB's own test files, on a cluster and on a plain server.
struct SuiteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suite",
        abstract: "Run the plain statements of MariaDB's test files on the master of a cluster and on a plain server, and compare.",
        discussion: "EXIT CODES: 0 no difference without a reason, 1 there is one, or a slave stopped or differs, 2 wrong command line")

    @Option(help: "The ddbnode to start.") var ddbnode: String
    @Option(help: "Where MariaDB's test files are.") var tests = "/usr/share/mysql/mysql-test"
    @Option(help: "The list of known differences.") var known: String
    @Option(help: "Only files whose path holds this; may be given again.") var only: [String] = []
    @Option(help: "At most so many files, spread over all.") var files: Int?
    @Option(help: "Put data, logs and findings here and leave them; the directory must not exist or be empty.") var keep: String?

    func validate() throws {
        guard access(ddbnode, X_OK) == 0 else { throw ValidationError("--ddbnode: \(ddbnode) can't be run") }
        guard access(tests + "/main", R_OK) == 0 else { throw ValidationError("--tests: \(tests) holds no test files (Debian: mariadb-test-data)") }
        if let files, files < 1 { throw ValidationError("--files must be 1 or more") }
    }

    func run() throws {
        EarlyEnd.watchSignals()
        let known: KnownDifferences
        guard let list = Files.text(self.known) else { throw Failure.ofCall("read \(self.known)") }
        do { known = try KnownDifferences(list) } catch {
            throw Failure("line \(error.line) of \(self.known) can't be read: write file | text | reason")
        }
        let paths = try TestFiles.all(in: tests, only: only, atMost: files)
        guard !paths.isEmpty else { throw Failure("no test file of \(tests) has \(only.joined(separator: " or ")) in its path") }
        let work = try WorkFolder("ddbnode-suite", keep: keep)
        var isClean = false
        defer { work.end(isWanted: !isClean && !EarlyEnd.isWanted, "data, logs and findings.txt are in") }
        let suite = try Suite(in: work.path, ddbnode: absolute(ddbnode), tests: tests, known: known)
        defer { suite.end() }
        let tally = try suite.run(paths)
        for line in tally.lines { say(line) }
        isClean = tally.isClean
        guard isClean else { throw Failure("see above, and findings.txt") }
    }
}
