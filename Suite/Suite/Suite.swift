import CampaignHarness
import Glibc
import SuiteCore

/// Goes through the files, one after another.
final class Suite {
    private let work: String
    private let ddbnode: String
    private let tests: String
    private let known: KnownDifferences
    private let plain: PlainServer
    private var cluster: SuiteCluster
    private var clusters = 1
    private let findings: UnsafeMutablePointer<FILE>

    init(in work: String, ddbnode: String, tests: String, known: KnownDifferences) throws(Failure) {
        self.work = work
        self.ddbnode = ddbnode
        self.tests = tests
        self.known = known
        guard let findings = fopen(work + "/findings.txt", "w") else { throw .ofCall("open \(work)/findings.txt") }
        self.findings = findings
        cluster = try SuiteCluster(in: work + "/cluster1", ddbnode: ddbnode)
        do throws(Failure) {
            plain = try PlainServer(in: work + "/plain", settings: SuiteCluster.settings, client: try cluster.clientAccount())
        } catch {
            cluster.remove()
            throw error
        }
    }

    func end() {
        cluster.remove()
        plain.stop()
        fclose(findings)
    }

    func run(_ paths: [String]) throws(Failure) -> Tally {
        var tally = Tally()
        let cleanUp = CleanUp(try plain.connectAsAdministrator())
        for (number, path) in paths.enumerated() {
            let before = tally.differences
            let trouble = try run(path, cleanUp, &tally)
            tally.ended(file: path, slavesAreWell: trouble == nil)
            if let trouble { note("\(path): SLAVES: \(trouble)") }
            say(
                "\(number + 1)/\(paths.count) \(path): \(trouble.map { "SLAVES: \($0.prefix(300))" } ?? "ok"), \(tally.differences - before) different"
            )
        }
        return tally
    }

    /// What is wrong with the slaves after it; nil: nothing.
    private func run(_ path: String, _ cleanUp: CleanUp, _ tally: inout Tally) throws(Failure) -> String? {
        guard let bytes = Files.bytes("\(tests)/\(path)") else { throw .ofCall("read \(tests)/\(path)") }
        let file = try FileRun(path, known, cluster, plain)
        try file.begin()
        try file.run(TestFile.statements(in: bytes), &tally)
        for finding in file.findings { note(finding) }
        var trouble = try cluster.trouble()
        if file.isBroken, trouble == nil { trouble = "the master gave no answer" }
        do throws(Failure) { try cleanUp.run(try plain.connectAsAdministrator(), try NodeSession(cluster.master.address)) } catch {
            trouble = trouble ?? error.words
        }
        // What one file broke is no fault of the next.
        if trouble != nil { try replaceCluster() }
        return trouble
    }

    private func replaceCluster() throws(Failure) {
        cluster.remove()
        clusters += 1
        cluster = try SuiteCluster(in: "\(work)/cluster\(clusters)", ddbnode: ddbnode)
    }

    private func note(_ text: String) {
        fputs(text + "\n", findings)
        fflush(findings)
    }
}
