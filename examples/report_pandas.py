# /// script
# requires-python = ">=3.9"
# dependencies = ["pandas==2.2.3"]
# ///
"""What is the weather in Seattle like, month by month, and what were its extremes?

With pandas. Run it from the top of the repository, with the package that it asks for:

    ./dev run examples/report_pandas.py --with pandas==2.2.3 --input @examples/seattle-weather.json
"""

import pandas as pd

BAR_WIDTH = 24

days = pd.DataFrame(input_data["rows"], columns=input_data["columns"])
days["date"] = pd.to_datetime(days["date"])
days["wet"] = days["precipitation"] >= 0.3
n_years = days["date"].dt.year.nunique()

months = days.groupby(days["date"].dt.month).agg(
    high=("temp_max", "mean"),
    low=("temp_min", "mean"),
    rain=("precipitation", "sum"),
    wet_days=("wet", "mean"),
    wind=("wind", "mean"),
)
months["rain"] /= n_years
months["rank"] = months["rain"].rank(ascending=False).astype(int)
months.index = [pd.Timestamp(2000, month, 1).strftime("%B") for month in months.index]

years = days.groupby(days["date"].dt.year).agg(
    rain=("precipitation", "sum"), wet_days=("wet", "sum"), hottest=("temp_max", "max")
)

years.index.name = None

first, last = days["date"].min(), days["date"].max()
print(f"Weather in Seattle, {first:%B %Y} to {last:%B %Y}: {len(days):,} days")
print()
print(f"{'':<11}{'high °C':>8}{'low °C':>8}{'wet days':>10}{'rain mm':>9}  rank")
for name, month in months.iterrows():
    bar = "█" * round(BAR_WIDTH * month["rain"] / months["rain"].max())
    print(
        f"{name:<11}{month['high']:>8.1f}{month['low']:>8.1f}{month['wet_days']:>10.0%}"
        f"{month['rain']:>9.0f}  {month['rank']:>4.0f}  {bar}"
    )
print()
years.columns = ["rain mm", "wet days", "hottest °C"]
print(years.to_string())
print()

hottest = days.loc[days["temp_max"].idxmax()]
wettest = days.loc[days["precipitation"].idxmax()]
dry = (~days["wet"]).astype(int)
streak = dry.groupby(days["wet"].cumsum()).cumsum()
print(f"Hottest day:  {hottest['date']:%d %B %Y}, {hottest['temp_max']:.1f} °C")
print(f"Wettest day:  {wettest['date']:%d %B %Y}, {wettest['precipitation']:.1f} mm")
print(f"Dry spell:    {streak.max()} days up to {days.loc[streak.idxmax(), 'date']:%d %B %Y}")
print()
print(f"Source: {input_data['source'].split(';')[0]}; {input_data['licence'].split(' (')[0]}.")

result = {
    "days": len(days),
    "wettest_month": months["rain"].idxmax(),
    "driest_month": months["rain"].idxmin(),
    "longest_dry_spell_days": int(streak.max()),
}
