import Failover

/// How often what goes wrong in one run: no two seeds try the same mixture.
struct Weather {
    var datagramLossPercent: Int
    var datagramTwicePercent: Int
    var delayUs: Range<Int>
    var syncUs: Range<Int>
    var persistUs: Range<Int>
    var applyUs: Range<Int>
    var openUs: Range<Int>
    var openFailsPercent: Int
    var restartUs: Range<Int>
    var faultGapUs: Range<Int>
    var clientGapUs: Range<Int>
    var crashWeight: Int
    var pauseWeight: Int
    var partitionWeight: Int
    var clockWeight: Int
    var linkWeight: Int
    var handOverWeight: Int
    var reconfigureWeight: Int
    /// A leader sends a little with each beat, not all at once.
    var isThrottled: Bool
    /// How many entries it sends at once.
    var batch: Range<Int>
    /// How many times slower the disks of lame nodes are, and how many nodes are lame.
    var lameFactor: Int
    var lamePercent: Int
    /// How often a leader changes the members, with each beat.
    var churnPercent: Int
    /// How often a leader dies soon after its election.
    var leaderDiesPercent: Int
    var leaderLivesUs: Range<Int>
    /// How often a leader dies at a tender moment: its marker is on its own disk only, or its tail on others' but not yet the marker, or
    /// it has just changed the members.
    var spitePercent: Int
    /// After a crash.
    var downUs: Range<Int>

    init(_ random: inout SplitMix64) {
        func pick(_ choices: [Int]) -> Int { choices[random.number(in: 0..<choices.count)] }
        datagramLossPercent = pick([0, 0, 5, 20])
        datagramTwicePercent = pick([0, 5, 20])
        delayUs = 100..<pick([500, 2000, 5000, 20_000])
        syncUs = 200..<pick([1000, 5000, 20_000, 60_000])
        persistUs = 100..<pick([500, 3000, 10_000])
        applyUs = 100..<pick([2000, 20_000, 100_000])
        openUs = 1000..<pick([10_000, 100_000])
        openFailsPercent = pick([0, 5, 30])
        restartUs = 5000..<pick([20_000, 300_000, 1_000_000])
        faultGapUs = 10_000..<pick([100_000, 400_000, 1_000_000])
        clientGapUs = 1000..<pick([8000, 20_000, 60_000])
        crashWeight = pick([0, 1, 4])
        pauseWeight = pick([0, 1, 3])
        partitionWeight = pick([0, 1, 3])
        clockWeight = pick([0, 1])
        linkWeight = pick([0, 1, 3])
        handOverWeight = pick([0, 1, 3])
        reconfigureWeight = pick([0, 0, 1, 4])
        isThrottled = pick([0, 0, 1]) == 1
        batch = 1..<9
        lameFactor = pick([3, 20])
        lamePercent = pick([0, 0, 50])
        churnPercent = pick([0, 0, 0, 30, 80])
        leaderDiesPercent = pick([0, 0, 20, 60])
        leaderLivesUs = 500..<pick([20_000, 200_000])
        spitePercent = pick([0, 0, 5])
        downUs = 1000..<pick([30_000, 300_000, 1_500_000])
        if random.number(in: 0..<3) == 0 { beRestless() }
    }

    /// Leaders die one after the other while little of their logs is sent: so entries of several epochs, each on few nodes, contend.
    private mutating func beRestless() {
        isThrottled = true
        batch = 1..<2
        leaderDiesPercent = 60
        spitePercent = 30
        leaderLivesUs = 500..<120_000
        downUs = 1000..<200_000
        clientGapUs = 20_000..<200_000
        (pauseWeight, partitionWeight, clockWeight, handOverWeight) = (0, 0, 0, 0)
        (delayUs, syncUs, persistUs) = (100..<50_000, 200..<4000, 100..<500)
    }

    /// At the end: nothing fails any more.
    mutating func calm() {
        (datagramLossPercent, datagramTwicePercent, openFailsPercent, leaderDiesPercent, spitePercent) = (0, 0, 0, 0, 0)
        churnPercent = 0
        lameFactor = 1
        isThrottled = false
    }
}
