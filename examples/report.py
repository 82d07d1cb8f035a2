"""Which industries lost the most jobs in the great recession, and which have them back?

Plain Python. Run it from the top of the repository:

    ./dev run examples/report.py --input @examples/us-employment.json
"""

from datetime import date

INDUSTRIES = [
    "mining_and_logging",
    "construction",
    "manufacturing",
    "wholesale_trade",
    "retail_trade",
    "transportation_and_warehousing",
    "utilities",
    "information",
    "financial_activities",
    "professional_and_business_services",
    "education_and_health_services",
    "leisure_and_hospitality",
    "other_services",
    "government",
]
BAR_WIDTH = 12


def month_name(month):
    year, number = month.split("-")
    return date(int(year), int(number), 1).strftime("%b %Y")


def downturn(series):
    """The deepest fall from a peak before 2010, and how far the series has come since."""
    before_2010 = [i for i, (month, _) in enumerate(series) if month < "2010"]
    peak_at = max(before_2010, key=lambda i: series[i][1])
    low_at = min(range(peak_at, len(series)), key=lambda i: series[i][1])
    (peak_month, peak), (low_month, low) = series[peak_at], series[low_at]
    regained = next((month for month, jobs in series[low_at:] if jobs >= peak), None)
    return {
        "peak_month": peak_month,
        "peak": peak,
        "low_month": low_month,
        "lost": peak - low,
        "lost_share": (peak - low) / peak,
        "regained": regained,
        "last": series[-1][1],
    }


columns = input_data["columns"]
table = [{name: row[i] for i, name in enumerate(columns)} for row in input_data["rows"]]
by_industry = {
    name: downturn([(row["month"], row[name]) for row in table])
    for name in ["nonfarm", *INDUSTRIES]
}
total = by_industry.pop("nonfarm")
ranking = sorted(by_industry.items(), key=lambda item: item[1]["lost_share"], reverse=True)
worst_share = ranking[0][1]["lost_share"]

first, low, back = (month_name(total[key]) for key in ("peak_month", "low_month", "regained"))
end = month_name(table[-1]["month"])
print("The great recession in the United States, by industry")
print(f"{total['peak'] / 1000:.1f} million people were on payrolls in {first}.")
print(f"{total['lost'] / 1000:.1f} million jobs ({total['lost_share']:.1%}) were gone by {low}.")
print(f"The old number was reached again in {back}.")
print()
print(f"{'industry':<36}{'jobs lost':>9}  {'share of the peak':<20}regained")
for name, fall in ranking:
    title = name.replace("_", " ").capitalize()
    if not fall["lost"]:
        print(f"{title:<36}{'none':>9}")
        continue
    lost = f"{fall['lost'] * 1000:,.0f}"
    bar = "█" * max(1, round(BAR_WIDTH * fall["lost_share"] / worst_share))
    back = fall["regained"]
    regained = month_name(back) if back else f"not yet ({fall['last'] / fall['peak']:.0%})"
    print(f"{title:<36}{lost:>9} {fall['lost_share']:>6.1%} {bar:<{BAR_WIDTH + 1}} {regained}")
print()
print(f"Source: {input_data['source'].split(';')[0]}, to {end};")
print(f"{input_data['licence'].split(' (')[0]}.")

result = {
    "jobs_lost": round(total["lost"] * 1000),
    "hardest_hit": ranking[0][0],
    "not_back": [name for name, fall in ranking if not fall["regained"]],
}
