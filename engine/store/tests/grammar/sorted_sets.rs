//! Sorted sets.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "sorted_sets",
    // Ranges of members are defined only where all scores are equal, so `lex` stays apart.
    kinds: &[Kind::closed("zset", 3), Kind::apart("lex", 2)],
    rules: &[
        "zadd $zset [nx|xx|nx xx] [gt|lt] [ch] [incr] $score $member",
        "zadd $zset [nx|xx] [gt|lt] [ch] ($score $member)+",
        "zadd $zset $score $member $score $manymember $score $manymember",
        "zincrby $zset $score $member",
        "zscore $zset $member",
        "zmscore $zset ($member)+",
        "zcard $zset",
        "zcount $zset $from $to",
        "zrank $zset $member",
        "zrevrank $zset $member",
        "zrange $zset $index $index [rev] [withscores]",
        "zrange $zset $from $to byscore [rev] [limit $index $index] [withscores]",
        "zrange $zset $index $index limit 0 -1",
        "zrevrange $zset $index $index [withscores]",
        "zrangebyscore $zset $from $to [withscores] [limit $index $index]",
        "zrevrangebyscore $zset $to $from [withscores] [limit $index $index]",
        "zrem $zset ($member)+",
        "zrem $zset ($manymember)+",
        "zremrangebyrank $zset $index $index",
        "zremrangebyscore $zset $from $to",
        "zpopmin $zset [$few]",
        "zpopmax $zset [$few]",
        "zadd $lex 0 $member 0 $member 0 $manymember",
        "zrange $lex $lexfrom $lexto bylex [rev] [limit $index $index]",
        "zrangebylex $lex $lexfrom $lexto [limit $index $index]",
        "zrevrangebylex $lex $lexto $lexfrom [limit $index $index]",
        "zlexcount $lex $lexfrom $lexto",
        "zremrangebylex $lex $lexfrom $lexfrom",
        "zmpop $numkeys $zset $zset [min|max] [count $few]",
        "zmpop 1 $zset [min|max]",
        "zmpop 2 $zset $zset [MIN|max] count $few",
        "bzpopmin ($zset)+ $timeout",
        "bzpopmax ($zset)+ $timeout",
        "bzmpop $timeout $numkeys $zset $zset [min|max] [count $few]",
        "bzmpop $timeout 1 $zset [min|max]",
        "zrangestore $zset $zset $index $index [rev]",
        "zrangestore $zset $zset $from $to byscore [rev] [limit $index $index]",
        "zrangestore $lex $lex $lexfrom $lexto bylex [rev] [limit $index $index]",
        "zunion $numkeys ($zset)+ [weights $weight $weight] [aggregate sum|aggregate min|aggregate max] [withscores]",
        "zunion 2 $zset $zset [weights $weight $weight] [aggregate sum|aggregate min|aggregate max] withscores",
        "zinter $numkeys ($zset)+ [aggregate sum|aggregate min|aggregate max] [withscores]",
        "zinter 3 $zset $zset $zset [weights $weight $weight $weight] [aggregate sum|aggregate min|aggregate max] withscores",
        "zdiff $numkeys $zset $zset [withscores] [withscores]",
        "zdiff 1 $zset withscores",
        "zintercard $numkeys $zset $zset [limit $few]",
        "zintercard 2 $zset $zset [limit $int]",
        "zunion 3 $set $zset $ints [weights $weight $weight $weight] [aggregate sum|aggregate min|aggregate max] withscores",
        "zinter 2 $zset $set [weights $weight $weight] withscores",
        "zdiff 2 $set $zset withscores",
        "zdiff 2 $zset $set",
        "zintercard 2 $set $zset [limit $few]",
        "zunionstore $zset 2 $set $ints",
        "zinterstore $zset 2 $set $zset",
        "sadd $set ($member)+",
        "sadd $set ($manymember)+",
        "zunionstore $zset 2 $zset $zset [weights $weight $weight] [aggregate sum|aggregate min|aggregate max]",
        "zinterstore $zset 2 $zset $zset [weights $weight $weight] [aggregate sum|aggregate min|aggregate max]",
        "zdiffstore $zset $numkeys $zset $zset",
        "zrandmember $zset",
        "zrandmember $zset 0 [withscores]",
        "zrandmember $zset 1000 [withscores]",
        "zrandmember $zset $negative [withscores]",
        "zscan $zset 0 [match $pattern] count 100000",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "member" => format!("m{}", draw.below(20)),
        "manymember" => match draw.below(40) {
            0 => format!("m{}", "x".repeat(draw.between(60, 70) as usize)),
            _ => format!("m{}", draw.below(400)),
        },
        "numkeys" => draw.between(-1, 6).to_string(),
        "weight" => match draw.below(4) {
            0 => draw.value("float"),
            _ => draw.between(-3, 4).to_string(),
        },
        "score" => return draw.shared("float"),
        "from" | "to" => {
            let open = if draw.below(4) == 0 { "(" } else { "" };
            let end = match draw.below(8) {
                0 => "inf".to_owned(),
                1 => "-inf".to_owned(),
                2 => draw.value("float"),
                _ if name == "from" => draw.between(-20, 10).to_string(),
                _ => draw.between(-10, 30).to_string(),
            };
            format!("{open}{end}")
        }
        "lexfrom" | "lexto" => match draw.below(6) {
            0 => "-".to_owned(),
            1 => "+".to_owned(),
            2 => format!("({}", draw.value("member")),
            3 => "[".to_owned(),
            _ => format!("[{}", draw.value("manymember")),
        },
        _ => return None,
    })
}
